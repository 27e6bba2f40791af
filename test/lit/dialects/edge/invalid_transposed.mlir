// RUN: DIAGNOSTICS

func.func @f(%x: tensor<1x2x3x4xf32>, %w: tensor<3x5x3x2xf32>) {
  // expected-error@+1 {{'edge.conv_transpose2d' op weight [3, 5, 3, 2] does not fit 2 input channels in 1 groups}}
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x4xf32>, tensor<3x5x3x2xf32>) -> tensor<1x5x5x5xf32>
  func.return
}

// -----

func.func @f(%x: tensor<1x2x3x4xf32>, %w: tensor<2x5x3x2xf32>) {
  // expected-error@+1 {{'edge.conv_transpose2d' op result shape [1, 5, 5, 6] should be [1, 5, 5, 5]}}
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x4xf32>, tensor<2x5x3x2xf32>) -> tensor<1x5x5x6xf32>
  func.return
}

// -----

func.func @f(%x: tensor<1x2x1x4xf32>, %w: tensor<2x5x2x2xf32>) {
  // expected-error@+1 {{'edge.conv_transpose2d' op the output would be of 0 × 3}}
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x1x4xf32>, tensor<2x5x2x2xf32>) -> tensor<1x5x0x3xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>, %w: tensor<2x5x2x2xf32>) {
  // expected-error@+1 {{'edge.conv_transpose2d' op input and weight must have rank 4}}
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x3x4xf32>, tensor<2x5x2x2xf32>) -> tensor<5x4x5xf32>
  func.return
}

// -----

func.func @f(%x: tensor<1x3x4x2xf32>, %w: tensor<2x5x3x2xf32>) {
  // expected-error@+1 {{'edge.conv_transpose2d' op data_format must be NCHW or NHWC, got 'NWHC'}}
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NWHC"} : (tensor<1x3x4x2xf32>, tensor<2x5x3x2xf32>) -> tensor<1x5x5x5xf32>
  func.return
}
