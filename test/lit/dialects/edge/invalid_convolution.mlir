// RUN: DIAGNOSTICS

%x, %w = "test.op"() : () -> (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>)
// expected-error@+1 {{'edge.conv2d' op data_format must be NCHW or NHWC, got 'CHWN'}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "CHWN"} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x6x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<4x8x8xf32>, tensor<2x4x3x3xf32>)
// expected-error@+1 {{'edge.conv2d' op input must have rank 4, got tensor<4x8x8xf32>}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<4x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<2x6x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8x8xf32>, tensor<2x4x3xf32>)
// expected-error@+1 {{'edge.conv2d' op weight must have rank 4, got tensor<2x4x3xf32>}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<2x4x3xf32>) -> tensor<1x2x6x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>)
// expected-error@+1 {{'edge.conv2d' op stride must be 2 integers ≥ 1, got [0, 1]}}
%0 = edge.conv2d %x, %w {stride = array<i64: 0, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x6x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>)
// expected-error@+1 {{'edge.conv2d' op padding must be 4 integers ≥ 0, got [1, 1]}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x8x8xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>)
// expected-error@+1 {{'edge.conv2d' op dilation must be 2 integers ≥ 1, got [1, 0]}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 0>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x6x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x2x8xf32>, tensor<2x4x3x3xf32>)
// expected-error@+1 {{'edge.conv2d' op window [3, 3] is larger than its padded input}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x2x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x0x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>)
// expected-error@+1 {{'edge.conv2d' op weight [2, 4, 3, 3] does not fit 4 input channels in 2 groups}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x6x6xf32>

// -----

// Each group must have the same number of output channels.
%x, %w = "test.op"() : () -> (tensor<1x4x8x8xf32>, tensor<3x2x3x3xf32>)
// expected-error@+1 {{'edge.conv2d' op weight [3, 2, 3, 3] does not fit 4 input channels in 2 groups}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x6x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x0x8x8xf32>, tensor<2x4x3x3xf32>)
// expected-error@+1 {{'edge.conv2d' op weight [2, 4, 3, 3] does not fit 0 input channels in 0 groups}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 0 : i64} : (tensor<1x0x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x6x6xf32>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>)
// expected-error@+1 {{'edge.conv2d' op bias shape [4] should be [2]}}
%0 = edge.conv2d %x, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>) -> tensor<1x2x6x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>)
// expected-error@+1 {{'edge.conv2d' op result shape [1, 2, 8, 8] should be [1, 2, 6, 6]}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x8x8xf32>

// -----

// The shape rule follows the data format.
%x, %w = "test.op"() : () -> (tensor<1x8x8x4xf32>, tensor<2x3x3x4xf32>)
// expected-error@+1 {{'edge.conv2d' op result shape [1, 2, 6, 6] should be [1, 6, 6, 2]}}
%0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x8x8x4xf32>, tensor<2x3x3x4xf32>) -> tensor<1x2x6x6xf32>
