// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<1x4x4x8xi16>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op input must be a tensor of i8, got tensor<1x4x4x8xi16>}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi16>) -> tensor<1x2x2x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op output must have rank 4, got tensor<2x2x8xi8>}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<2x2x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op output tensor<2x2x2x8xi8> must keep batch 1 and channels 8}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<2x2x2x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op output tensor<1x2x2x4xi8> must keep batch 1 and channels 8}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x4xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op kernel_size must be two integers, got [2]}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op stride must be two integers, got []}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op padding must be two integers, got [0, 0, 0, 0]}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op output size 2 does not fit input 4, kernel 2, stride 0, padding 0}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 0, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op output size 2 does not fit input 4, kernel 2, stride 2, padding -1}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, -1>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>

// -----

// A window would lie wholly in the padding.
%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op output size 2 does not fit input 4, kernel 2, stride 2, padding 2}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 2, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>

// -----

// A window would begin after the input.
%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op output size 3 does not fit input 4, kernel 2, stride 2, padding 0}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x3x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op activation_min 4 is above activation_max 3}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = 4 : i32, activation_max = 3 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op the kernel takes dilation 1 only}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 2>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op the kernel has no ceil_mode}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = true, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x8xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op input and output zero point must be equal}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 1 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>

// -----

%x, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_avg_pool2d' op output tensor<1x2x2x4xi8> must keep batch 1 and channels 8}}
%0 = cortex_m.quantized_avg_pool2d %x scratch %t {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x4x4x8xi8>, tensor<16xi8>) -> tensor<1x2x2x4xi8>

// -----

%x, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<16xi32>)
// expected-error@+1 {{'cortex_m.quantized_avg_pool2d' op scratch must be a tensor of i8, got tensor<16xi32>}}
%0 = cortex_m.quantized_avg_pool2d %x scratch %t {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x4x4x8xi8>, tensor<16xi32>) -> tensor<1x2x2x8xi8>

// -----

%x, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_avg_pool2d' op a window of 5 is longer than its input, 4}}
%0 = cortex_m.quantized_avg_pool2d %x scratch %t {kernel_size = array<i64: 5, 4>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, ceil_mode = true, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x4x4x8xi8>, tensor<16xi8>) -> tensor<1x1x1x8xi8>

// -----

%x, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_avg_pool2d' op the kernel gives 1 outputs of 4, not 2}}
%0 = cortex_m.quantized_avg_pool2d %x scratch %t {kernel_size = array<i64: 3, 4>, stride = array<i64: 3, 2>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x4x4x8xi8>, tensor<16xi8>) -> tensor<1x2x1x8xi8>
