// RUN: DIAGNOSTICS

%x, %w = "test.op"() : () -> (tensor<4x8xf32>, tensor<2x4x3xf32>)
// expected-error@+1 {{'edge.conv1d' op input must have rank 3, got tensor<4x8xf32>}}
%0 = edge.conv1d %x, %w {stride = array<i64: 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, groups = 1 : i64} : (tensor<4x8xf32>, tensor<2x4x3xf32>) -> tensor<1x2x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8xf32>, tensor<2x4x3x1xf32>)
// expected-error@+1 {{'edge.conv1d' op weight must have rank 3, got tensor<2x4x3x1xf32>}}
%0 = edge.conv1d %x, %w {stride = array<i64: 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>, tensor<2x4x3x1xf32>) -> tensor<1x2x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8xf32>, tensor<2x3x3xf32>)
// expected-error@+1 {{'edge.conv1d' op weight [2, 3, 3] does not fit 4 input channels in 1 groups}}
%0 = edge.conv1d %x, %w {stride = array<i64: 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>, tensor<2x3x3xf32>) -> tensor<1x2x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8xf32>, tensor<2x4x3xf32>)
// expected-error@+1 {{'edge.conv1d' op padding must be 2 integers ≥ 0, got [1]}}
%0 = edge.conv1d %x, %w {stride = array<i64: 1>, padding = array<i64: 1>, dilation = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>, tensor<2x4x3xf32>) -> tensor<1x2x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8xf32>, tensor<2x4x3xf32>)
// expected-error@+1 {{'edge.conv1d' op stride must be 1 integers ≥ 1, got [0]}}
%0 = edge.conv1d %x, %w {stride = array<i64: 0>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>, tensor<2x4x3xf32>) -> tensor<1x2x6xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8xf32>, tensor<2x4x3xf32>)
// expected-error@+1 {{'edge.conv1d' op result shape [1, 2, 7] should be [1, 2, 6]}}
%0 = edge.conv1d %x, %w {stride = array<i64: 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>, tensor<2x4x3xf32>) -> tensor<1x2x7xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x4x8xf32>, tensor<2x4x9xf32>)
// expected-error@+1 {{'edge.conv1d' op window [9] is larger than its padded input}}
%0 = edge.conv1d %x, %w {stride = array<i64: 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>, tensor<2x4x9xf32>) -> tensor<1x2x6xf32>

// -----

%x = "test.op"() : () -> tensor<1x4x8xf32>
// expected-error@+1 {{'edge.max_pool1d' op dilation must be 1 integers ≥ 1, got [0]}}
%0 = edge.max_pool1d %x {kernel_size = array<i64: 3>, stride = array<i64: 2>, padding = array<i64: 0, 0>, dilation = array<i64: 0>, ceil_mode = true} : (tensor<1x4x8xf32>) -> tensor<1x4x4xf32>

// -----

%x = "test.op"() : () -> tensor<1x4x8xf32>
// expected-error@+1 {{'edge.avg_pool1d' op kernel_size must be 1 integers ≥ 1, got [3, 1]}}
%0 = edge.avg_pool1d %x {kernel_size = array<i64: 3, 1>, stride = array<i64: 2>, padding = array<i64: 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x4x8xf32>) -> tensor<1x4x3xf32>
