// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<4x8x8xf32>
// expected-error@+1 {{'edge.avg_pool2d' op input must have rank 4, got tensor<4x8x8xf32>}}
%0 = edge.avg_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<4x8x8xf32>) -> tensor<4x4x4xf32>

// -----

%x = "test.op"() : () -> tensor<1x4x8x8xf32>
// expected-error@+1 {{'edge.avg_pool2d' op kernel_size must be 2 integers ≥ 1, got [2]}}
%0 = edge.avg_pool2d %x {kernel_size = array<i64: 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>

// -----

%x = "test.op"() : () -> tensor<1x4x8x8xf32>
// expected-error@+1 {{'edge.avg_pool2d' op result shape [1, 4, 8, 8] should be [1, 4, 4, 4]}}
%0 = edge.avg_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>

// -----

%x = "test.op"() : () -> tensor<4x8x8xf32>
// expected-error@+1 {{'edge.max_pool2d' op input must have rank 4, got tensor<4x8x8xf32>}}
%0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<4x8x8xf32>) -> tensor<4x4x4xf32>

// -----

%x = "test.op"() : () -> tensor<1x4x8x8xf32>
// expected-error@+1 {{'edge.max_pool2d' op kernel_size must be 2 integers ≥ 1, got [0, 2]}}
%0 = edge.max_pool2d %x {kernel_size = array<i64: 0, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>

// -----

%x = "test.op"() : () -> tensor<1x4x8x8xf32>
// expected-error@+1 {{'edge.max_pool2d' op dilation must be 2 integers ≥ 1, got [0, 0]}}
%0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 0, 0>, ceil_mode = false} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>

// -----

// Dilation widens the window.
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
// expected-error@+1 {{'edge.max_pool2d' op result shape [1, 4, 7, 7] should be [1, 4, 5, 7]}}
%0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 3, 1>, ceil_mode = false} : (tensor<1x4x8x8xf32>) -> tensor<1x4x7x7xf32>
