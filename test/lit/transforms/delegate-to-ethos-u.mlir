// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128"},canonicalize)' --split-input-file | filecheck %s

!a = !quant.uniform<i8:f32, 0.5:3>
!b = !quant.uniform<i8:f32, 0.25>

// Ops in a row are one delegate. Its operands and results are integers, and constants stay inside.
// CHECK-LABEL: @chain
// CHECK-NEXT:    %0 = quant.scast %x : {{.*}} to tensor<1x4x4x2xi8>
// CHECK-NEXT:    %1 = ethos_u.delegate "ethos-u55-128"(%0) {
// CHECK-NEXT:    ^bb0(%x_1: tensor<1x4x4x2xi8>):
// CHECK:           tosa.table
// CHECK:           tosa.transpose
// CHECK:           ethos_u.yield %{{.*}} : tensor<1x2x4x4xi8>
// CHECK-NEXT:    } : (tensor<1x4x4x2xi8>) -> tensor<1x2x4x4xi8>
// CHECK-NEXT:    %2 = quant.scast %1 : tensor<1x2x4x4xi8> to
// CHECK-NEXT:    func.return %2
func.func @chain(%x: tensor<1x4x4x2x!a>) -> tensor<1x2x4x4x!b> {
  %0 = edge.sigmoid %x : (tensor<1x4x4x2x!a>) -> tensor<1x4x4x2x!b>
  %1 = edge.permute %0 {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x4x4x2x!b>) -> tensor<1x2x4x4x!b>
  func.return %1 : tensor<1x2x4x4x!b>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// A reshape at the end of a delegate is outside: there it is another name for the same bytes.
// CHECK-LABEL: @trailing_reshape
// CHECK:           ethos_u.yield %{{.*}} : tensor<4x4xi8>
// CHECK:         edge.reshape
func.func @trailing_reshape(%x: tensor<4x4x!a>) -> tensor<16x!a> {
  %0 = edge.tanh %x : (tensor<4x4x!a>) -> tensor<4x4x!a>
  %1 = edge.reshape %0 : (tensor<4x4x!a>) -> tensor<16x!a>
  func.return %1 : tensor<16x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// So is a small softmax with a kernel on the core.
// CHECK-LABEL: @trailing_softmax
// CHECK:         ethos_u.delegate
// CHECK:         edge.softmax {{.*}}ethos_u.reason = "at the end of a delegate it is cheaper on the core, because it is small"
func.func @trailing_softmax(%x: tensor<4x4x!a>) -> tensor<4x4x!a> {
  %0 = edge.tanh %x : (tensor<4x4x!a>) -> tensor<4x4x!a>
  %1 = edge.softmax %0 {dim = 1 : i64} : (tensor<4x4x!a>) -> tensor<4x4x!a>
  func.return %1 : tensor<4x4x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>
!p = !quant.uniform<i8:f32, 0.00390625:-128>

// A large softmax is faster on the NPU, also at the end.
// CHECK-LABEL: @trailing_large_softmax
// CHECK-NOT:     edge.softmax
func.func @trailing_large_softmax(%x: tensor<3x11x!a>) -> tensor<3x11x!p> {
  %0 = edge.softmax %x {dim = 1 : i64} : (tensor<3x11x!a>) -> tensor<3x11x!p>
  func.return %0 : tensor<3x11x!p>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// Ops that do not depend on each other are one delegate, even with other ops between in the text.
// CHECK-LABEL: @side_by_side
// CHECK:         edge.round {{.*}}ethos_u.reason = "computes in float"
// CHECK-COUNT-1: ethos_u.delegate "ethos-u55-128"(%{{.*}}, %{{.*}}) {
// CHECK-NOT:     ethos_u.delegate
func.func @side_by_side(%x: tensor<4x4x!a>, %y: tensor<4x4x!a>, %z: tensor<4xf32>) -> (tensor<4x4x!a>, tensor<4xf32>, tensor<4x4x!a>) {
  %0 = edge.tanh %x : (tensor<4x4x!a>) -> tensor<4x4x!a>
  %1 = edge.round %z : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.sigmoid %y : (tensor<4x4x!a>) -> tensor<4x4x!a>
  func.return %0, %1, %2 : tensor<4x4x!a>, tensor<4xf32>, tensor<4x4x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>
!b = !quant.uniform<i8:f32, 0.25>

// A requantization between two ops of a delegate is in it: a table, exact. Tables in a row are one,
// and a table of an input is part of a product with 1.
// CHECK-LABEL: @requantization
// CHECK-COUNT-1: ethos_u.delegate
// CHECK-NOT:     quant.dcast
// CHECK:         tosa.mul
// CHECK-COUNT-1: tosa.table
// CHECK-NOT:     tosa.table
func.func @requantization(%x: tensor<4x4x!a>) -> tensor<4x4x!b> {
  %0 = edge.tanh %x : (tensor<4x4x!a>) -> tensor<4x4x!a>
  %1 = quant.dcast %0 : tensor<4x4x!a> to tensor<4x4xf32>
  %2 = quant.qcast %1 : tensor<4x4xf32> to tensor<4x4x!b>
  %3 = edge.sigmoid %2 : (tensor<4x4x!b>) -> tensor<4x4x!b>
  func.return %3 : tensor<4x4x!b>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// Ops that only move data stay: a call of the NPU would copy as much.
// CHECK-LABEL: @movement
// CHECK-NEXT:    %0 = edge.permute %x {{.*}}ethos_u.reason = "it only moves data; a call of the NPU would copy as much"
func.func @movement(%x: tensor<4x8x!a>) -> tensor<8x4x!a> {
  %0 = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<4x8x!a>) -> tensor<8x4x!a>
  func.return %0 : tensor<8x4x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>
!b = !quant.uniform<i8:f32, 0.25>

// A reshape that is requantized in the delegate is in the delegate. Both tables are one.
// CHECK-LABEL: @requantized_reshape
// CHECK-COUNT-1: ethos_u.delegate
// CHECK:           tosa.table
// CHECK:           tosa.reshape
// CHECK-NOT:       tosa.table
// CHECK:           tosa.transpose
// CHECK-NOT:     edge.reshape
func.func @requantized_reshape(%x: tensor<4x4x!a>) -> tensor<8x2x!b> {
  %0 = edge.tanh %x : (tensor<4x4x!a>) -> tensor<4x4x!a>
  %1 = edge.reshape %0 : (tensor<4x4x!a>) -> tensor<2x8x!a>
  %2 = quant.dcast %1 : tensor<2x8x!a> to tensor<2x8xf32>
  %3 = quant.qcast %2 : tensor<2x8xf32> to tensor<2x8x!b>
  %4 = edge.permute %3 {perm = array<i64: 1, 0>} : (tensor<2x8x!b>) -> tensor<8x2x!b>
  func.return %4 : tensor<8x2x!b>
}

// -----

!a = !quant.uniform<i8:f32, 1.0>

// Plain and quantized integers are the same bits: both ops are in one delegate, and even one table.
// CHECK-LABEL: @integers_and_quantized
// CHECK-NEXT:    %[[D:.*]] = ethos_u.delegate "ethos-u55-128"(%x)
// CHECK:           tosa.table
// CHECK-NOT:       tosa.table
// CHECK:           ethos_u.yield
// CHECK:         quant.scast %[[D]]
// CHECK-NEXT:    func.return
func.func @integers_and_quantized(%x: tensor<4xi8>) -> tensor<4x!a> {
  %0 = edge.call "aten.clamp.default"(%x) {arguments = [#edge.operand<0>, 0 : i64, 5 : i64]} : (tensor<4xi8>) -> tensor<4xi8>
  %1 = quant.scast %0 : tensor<4xi8> to tensor<4x!a>
  %2 = edge.tanh %1 : (tensor<4x!a>) -> tensor<4x!a>
  func.return %2 : tensor<4x!a>
}
