// RUN: cm-opt %s --pass-pipeline='builtin.module(fuse-elementwise-chains)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!p = !quant.uniform<i8:f32, 0.2:-128>
!w = !quant.uniform<i16:f32, 0.01>

// Only the ends of the chain are rounded. The body computes one element.
// CHECK-LABEL: @sigmoid
// CHECK-NEXT:    %0 = edge.map %x {
// CHECK-NEXT:    ^bb0(%1: tensor<f32>):
// CHECK-NEXT:      %2 = edge.neg %1 : (tensor<f32>) -> tensor<f32>
// CHECK-NEXT:      %3 = edge.exp %2 : (tensor<f32>) -> tensor<f32>
// CHECK-NEXT:      %one = arith.constant dense<1.000000e+00> : tensor<f32>
// CHECK-NEXT:      %4 = edge.add %one, %3 : (tensor<f32>, tensor<f32>) -> tensor<f32>
// CHECK-NEXT:      edge.yield %4 : tensor<f32>
// CHECK-NEXT:    } : (tensor<2x3x!quant.uniform<i8:f32, 0.1>>) -> tensor<2x3x!quant.uniform<i8:f32, 0.2:-128>>
// CHECK-NEXT:    func.return %0
func.func @sigmoid(%x: tensor<2x3x!q>) -> tensor<2x3x!p> {
  %one = arith.constant dense<1.0> : tensor<1x1xf32>
  %0 = quant.dcast %x : tensor<2x3x!q> to tensor<2x3xf32>
  %1 = edge.neg %0 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = edge.exp %1 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = edge.add %one, %2 : (tensor<1x1xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = quant.qcast %3 : tensor<2x3xf32> to tensor<2x3x!p>
  func.return %4 : tensor<2x3x!p>
}

// A comparison and a choice are functions of elements too, also one alone.
// CHECK-LABEL: @choice
// CHECK:           = edge.call "aten.gt.Scalar"(%{{.*}}) {{.*}} : (tensor<f32>) -> tensor<i1>
// CHECK-NEXT:      %zeros = arith.constant
// CHECK-NEXT:      = edge.call "aten.where.self"(%{{.*}}) {{.*}} -> tensor<f32>
// CHECK-NEXT:      edge.yield
func.func @choice(%x: tensor<3x!q>) -> tensor<3x!p> {
  %zeros = arith.constant dense<0.0> : tensor<f32>
  %0 = quant.dcast %x : tensor<3x!q> to tensor<3xf32>
  %1 = edge.call "aten.gt.Scalar"(%0) {arguments = [#edge.operand<0>, 1 : i64]} : (tensor<3xf32>) -> tensor<3xi1>
  %2 = edge.call "aten.where.self"(%1, %0, %zeros) {arguments = [#edge.operand<0>, #edge.operand<1>, #edge.operand<2>]} : (tensor<3xi1>, tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %3 = quant.qcast %2 : tensor<3xf32> to tensor<3x!p>
  func.return %3 : tensor<3x!p>
}

// Signed bytes are quantized integers with a step of 1.
// CHECK-LABEL: @signed
// CHECK-NEXT:    %[[Q:.*]] = quant.scast %x : tensor<3xi8> to tensor<3x!quant.uniform<i8:f32, 1.0>>
// CHECK-NEXT:    quant.dcast %[[Q]]
// CHECK-NEXT:    func.return
func.func @signed(%x: tensor<3xi8>) -> tensor<3xf32> {
  %0 = edge.call "aten._to_copy.default"(%x) {arguments = [#edge.operand<0>, "float32", none, none, none, false, none]} : (tensor<3xi8>) -> tensor<3xf32>
  func.return %0 : tensor<3xf32>
}

// The same bytes are a signed number and, 256 more where that is negative, the unsigned one.
// CHECK-LABEL: @image
// CHECK-NEXT:    %[[S:.*]] = edge.bitcast %x : (tensor<3xui8>) -> tensor<3xi8>
// CHECK-NEXT:    %[[Q:.*]] = quant.scast %[[S]] : tensor<3xi8> to tensor<3x!quant.uniform<i8:f32, 1.0>>
// CHECK-NEXT:    edge.map %[[Q]] {
// CHECK-NEXT:    ^bb0(%[[N:.*]]: tensor<f32>):
// CHECK-NEXT:      %[[U:.*]] = edge.call "aten.remainder.Scalar"(%[[N]]) {arguments = [#edge.operand<0>, 2.560000e+02 : f64]}
// CHECK-NEXT:      = edge.sqrt %[[U]]
func.func @image(%x: tensor<3xui8>) -> tensor<3x!p> {
  %0 = edge.call "aten._to_copy.default"(%x) {arguments = [#edge.operand<0>, "float32", none, none, none, false, none]} : (tensor<3xui8>) -> tensor<3xf32>
  %1 = edge.sqrt %0 : (tensor<3xf32>) -> tensor<3xf32>
  %2 = quant.qcast %1 : tensor<3xf32> to tensor<3x!p>
  func.return %2 : tensor<3x!p>
}

// The values in a chain may have other readers; two chains may share them.
// CHECK-LABEL: @shared
// CHECK:         %[[FLOAT:.*]] = edge.exp
// CHECK:         edge.map %x
// CHECK:         edge.map %x
// CHECK:         func.return %[[FLOAT]]
func.func @shared(%x: tensor<3x!q>) -> (tensor<3xf32>, tensor<3x!p>, tensor<3x!p>) {
  %0 = quant.dcast %x : tensor<3x!q> to tensor<3xf32>
  %1 = edge.exp %0 : (tensor<3xf32>) -> tensor<3xf32>
  %2 = edge.log %1 : (tensor<3xf32>) -> tensor<3xf32>
  %3 = edge.sqrt %1 : (tensor<3xf32>) -> tensor<3xf32>
  %4 = quant.qcast %2 : tensor<3xf32> to tensor<3x!p>
  %5 = quant.qcast %3 : tensor<3xf32> to tensor<3x!p>
  func.return %1, %4, %5 : tensor<3xf32>, tensor<3x!p>, tensor<3x!p>
}

// Other chains stay: one function of two tensors, one that broadcasts, one with a constant for each
// element, one from or to another type, and a function alone, which is a table without this pass.
// CHECK-LABEL: @stays
// CHECK-NOT:     edge.map
func.func @stays(%x: tensor<3x!q>, %y: tensor<3x!q>, %z: tensor<1x!q>, %u: tensor<3x!w>) -> (tensor<3x!p>, tensor<3x!p>, tensor<3x!p>, tensor<3x!p>, tensor<3x!w>, tensor<3x!p>) {
  %c = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %0 = quant.dcast %x : tensor<3x!q> to tensor<3xf32>
  %1 = quant.dcast %y : tensor<3x!q> to tensor<3xf32>
  %2 = quant.dcast %z : tensor<1x!q> to tensor<1xf32>
  %3 = quant.dcast %u : tensor<3x!w> to tensor<3xf32>
  %4 = edge.exp %0 : (tensor<3xf32>) -> tensor<3xf32>
  %5 = edge.exp %2 : (tensor<1xf32>) -> tensor<1xf32>
  %6 = edge.exp %3 : (tensor<3xf32>) -> tensor<3xf32>
  %7 = edge.mul %4, %1 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %8 = edge.mul %4, %c : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %9 = edge.mul %4, %5 : (tensor<3xf32>, tensor<1xf32>) -> tensor<3xf32>
  %10 = edge.log %6 : (tensor<3xf32>) -> tensor<3xf32>
  %11 = edge.log %4 : (tensor<3xf32>) -> tensor<3xf32>
  %12 = quant.qcast %7 : tensor<3xf32> to tensor<3x!p>
  %13 = quant.qcast %8 : tensor<3xf32> to tensor<3x!p>
  %14 = quant.qcast %9 : tensor<3xf32> to tensor<3x!p>
  %15 = quant.qcast %10 : tensor<3xf32> to tensor<3x!p>
  %16 = quant.qcast %11 : tensor<3xf32> to tensor<3x!w>
  %17 = quant.qcast %4 : tensor<3xf32> to tensor<3x!p>
  func.return %12, %13, %14, %15, %16, %17 : tensor<3x!p>, tensor<3x!p>, tensor<3x!p>, tensor<3x!p>, tensor<3x!w>, tensor<3x!p>
}
