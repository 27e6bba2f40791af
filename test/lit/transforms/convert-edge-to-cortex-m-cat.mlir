// RUN: cm-opt %s -p convert-edge-to-cortex-m,canonicalize | filecheck %s

!a = !quant.uniform<i8:f32, 0.5:-1>
!b = !quant.uniform<i8:f32, 0.25:3>

// Along the outermost dimension, the operands are ranges of bytes.
// CHECK-LABEL: func.func @rows
// CHECK:         cortex_m.join {{.*}} : (tensor<2x3xi8>, tensor<1x3xi8>) -> tensor<3x3xi8>
func.func @rows(%x: tensor<2x3x!a>, %y: tensor<1x3x!a>) -> tensor<3x3x!a> {
  %0 = edge.cat %x, %y {dim = 0 : i64} : (tensor<2x3x!a>, tensor<1x3x!a>) -> tensor<3x3x!a>
  func.return %0 : tensor<3x3x!a>
}

// Only an operand with other parameters is requantized.
// CHECK-LABEL: func.func @requantized
// CHECK:         %[[L:.*]] = cortex_m.quantized_activation
// CHECK-NOT:     cortex_m.quantized_activation
// CHECK:         cortex_m.join {{.*}}, %[[L]]
func.func @requantized(%x: tensor<2x3x!a>, %y: tensor<1x3x!b>) -> tensor<3x3x!a> {
  %0 = edge.cat %x, %y {dim = 0 : i64} : (tensor<2x3x!a>, tensor<1x3x!b>) -> tensor<3x3x!a>
  func.return %0 : tensor<3x3x!a>
}

// Along an inner dimension the portable kernel moves the bytes.
// CHECK-LABEL: func.func @columns
// CHECK:         edge.call "aten.cat.default"{{.*}} reason = {{.*}} -> tensor<2x6xi8>
func.func @columns(%x: tensor<2x3x!a>) -> tensor<2x6x!a> {
  %0 = edge.cat %x, %x {dim = 1 : i64} : (tensor<2x3x!a>, tensor<2x3x!a>) -> tensor<2x6x!a>
  func.return %0 : tensor<2x6x!a>
}

// A slice of the outermost dimension is a subview; others run in the portable kernel.
// CHECK-LABEL: func.func @slices
// CHECK:         cortex_m.subview {{.*}} {offset = 3 : i64} : (tensor<2x3xi8>) -> tensor<1x3xi8>
// CHECK:         edge.call "aten.slice_copy.Tensor"{{.*}} -> tensor<2x1xi8>
func.func @slices(%x: tensor<2x3x!a>) -> (tensor<1x3x!a>, tensor<2x1x!a>) {
  %0 = edge.slice %x {dim = 0 : i64, start = 1 : i64} : (tensor<2x3x!a>) -> tensor<1x3x!a>
  %1 = edge.slice %x {dim = 1 : i64, start = 2 : i64} : (tensor<2x3x!a>) -> tensor<2x1x!a>
  func.return %0, %1 : tensor<1x3x!a>, tensor<2x1x!a>
}

// A portable kernel repeats bytes, too.
// CHECK-LABEL: func.func @expand
// CHECK:         edge.call "aten.expand_copy.default"(%x) {arguments = [#edge.operand<0>, [3 : i64, 2 : i64, 4 : i64], false]{{.*}} -> tensor<3x2x4xi8>
func.func @expand(%x: tensor<2x1x!a>) -> tensor<3x2x4x!a> {
  %0 = edge.expand %x : (tensor<2x1x!a>) -> tensor<3x2x4x!a>
  func.return %0 : tensor<3x2x4x!a>
}
