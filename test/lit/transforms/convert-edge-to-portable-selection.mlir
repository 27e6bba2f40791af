// RUN: cm-opt %s -p convert-edge-to-portable | filecheck %s

// CHECK-LABEL: @selection
// CHECK-NEXT:    edge.call "aten.slice_copy.Tensor"(%x) {arguments = [#edge.operand<0>, 1 : i64, 0 : i64, 3 : i64, 2 : i64]
// CHECK-NEXT:    %[[I:.*]] = arith.constant dense<[1, 1, 0]> : tensor<3xi32>
// CHECK-NEXT:    edge.call "aten.index_select.default"({{.*}}, %[[I]]) {arguments = [#edge.operand<0>, 1 : i64, #edge.operand<1>]
// CHECK-NEXT:    edge.call "aten.constant_pad_nd.default"({{.*}}) {arguments = [#edge.operand<0>, [0 : i64, 4 : i64, 1 : i64, 0 : i64], 5.000000e-01 : f64]
func.func @selection(%x: tensor<2x3xf32>) -> tensor<3x7xf32> {
  %0 = edge.take %x {dim = 1 : i64, indices = array<i64: 0, 2>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  %1 = edge.take %0 {dim = 1 : i64, indices = array<i64: 1, 1, 0>} : (tensor<2x2xf32>) -> tensor<2x3xf32>
  %2 = edge.pad %1 {low = array<i64: 1, 0>, high = array<i64: 0, 4>, value = 0.5 : f32} : (tensor<2x3xf32>) -> tensor<3x7xf32>
  func.return %2 : tensor<3x7xf32>
}

// Float kernels pad both sides alike. A pad op does other padding.
// CHECK-LABEL: @uneven
// CHECK-NEXT:    %[[P:.*]] = edge.call "aten.constant_pad_nd.default"(%x) {arguments = [#edge.operand<0>, [1 : i64, 0 : i64, 0 : i64, 1 : i64], 0.000000e+00 : f64]
// CHECK-NEXT:    edge.call "aten.convolution.default"(%[[P]], %w)
// CHECK-SAME:      [1 : i64, 1 : i64], [0 : i64, 0 : i64], [1 : i64, 1 : i64]
func.func @uneven(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32> {
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 1, 1, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32>
  func.return %0 : tensor<1x1x3x3xf32>
}

// CHECK-LABEL: @upsample
// CHECK-NEXT:    edge.call "aten.upsample_bilinear2d.vec"(%x) {arguments = [#edge.operand<0>, [4 : i64, 6 : i64], false, none]
func.func @upsample(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x4x6xf32> {
  %0 = edge.upsample_bilinear2d %x : (tensor<1x1x2x2xf32>) -> tensor<1x1x4x6xf32>
  func.return %0 : tensor<1x1x4x6xf32>
}
