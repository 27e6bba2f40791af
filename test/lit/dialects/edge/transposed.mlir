// RUN: ROUNDTRIP

// CHECK-LABEL: func.func @transposed
// CHECK-NEXT: edge.conv_transpose2d %x, %w, %b {stride = array<i64: 2, 1>, padding = array<i64: 1, 0>, output_padding = array<i64: 1, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x4xf32>, tensor<2x5x3x2xf32>, tensor<5xf32>) -> tensor<1x5x6x5xf32>
func.func @transposed(%x: tensor<1x2x3x4xf32>, %w: tensor<2x5x3x2xf32>, %b: tensor<5xf32>) -> tensor<1x5x6x5xf32> {
  %0 = edge.conv_transpose2d %x, %w, %b {stride = array<i64: 2, 1>, padding = array<i64: 1, 0>, output_padding = array<i64: 1, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x4xf32>, tensor<2x5x3x2xf32>, tensor<5xf32>) -> tensor<1x5x6x5xf32>
  func.return %0 : tensor<1x5x6x5xf32>
}

// CHECK-LABEL: func.func @nhwc
// CHECK-NEXT: edge.conv_transpose2d %x, %w {stride = array<i64: 2, 1>, {{.*}}groups = 2 : i64, data_format = "NHWC"} : (tensor<1x3x4x2xf32>, tensor<5x3x2x2xf32>) -> tensor<1x7x5x10xf32>
func.func @nhwc(%x: tensor<1x3x4x2xf32>, %w: tensor<5x3x2x2xf32>) -> tensor<1x7x5x10xf32> {
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 1>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64, data_format = "NHWC"} : (tensor<1x3x4x2xf32>, tensor<5x3x2x2xf32>) -> tensor<1x7x5x10xf32>
  func.return %0 : tensor<1x7x5x10xf32>
}
