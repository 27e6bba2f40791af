// RUN: cm-opt %s -p convert-edge-to-portable | filecheck %s

// CHECK:      edge.call "aten.convolution.default"(%x, %w)
// CHECK-SAME:   [#edge.operand<0>, #edge.operand<1>, none, [2 : i64, 1 : i64], [1 : i64, 0 : i64], [1 : i64, 1 : i64], true, [1 : i64, 0 : i64], 1 : i64]
// CHECK-NEXT: edge.call "aten.clamp.default"
func.func @forward(%x: tensor<1x2x3x4xf32>, %w: tensor<2x5x3x2xf32>) -> tensor<1x5x6x5xf32> {
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 1>, padding = array<i64: 1, 0>, output_padding = array<i64: 1, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, activation_min = 0.0 : f32} : (tensor<1x2x3x4xf32>, tensor<2x5x3x2xf32>) -> tensor<1x5x6x5xf32>
  func.return %0 : tensor<1x5x6x5xf32>
}
