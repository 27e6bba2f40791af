// RUN: DIAGNOSTICS

// The limits are those of dialects/cortex_m/limits.py.

%x, %t = "test.op"() : () -> (tensor<1x1x65536x1xi8>, tensor<0xi8>)
// expected-error@+1 {{'cortex_m.quantized_avg_pool2d' op kernel_size is 65535 at most, got [1, 65536]}}
%0 = cortex_m.quantized_avg_pool2d %x scratch %t {kernel_size = array<i64: 1, 65536>, stride = array<i64: 1, 65536>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x1x65536x1xi8>, tensor<0xi8>) -> tensor<1x1x1x1xi8>

// -----

%x = "test.op"() : () -> tensor<1x1x65536x1xi8>
// expected-error@+1 {{'cortex_m.quantized_max_pool2d' op kernel_size is 65535 at most, got [1, 65536]}}
%0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 1, 65536>, stride = array<i64: 1, 65536>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x1x65536x1xi8>) -> tensor<1x1x1x1xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x65536x1x1xi8>, tensor<1x3x1x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op an axis of 65536, with its padding, is longer than 65535}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x65536x1x1xi8>, tensor<1x3x1x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>) -> tensor<1x65534x1x1xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x300x300x1xi8>, tensor<1x300x300x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op a filter of 90000 weights is longer than 65535}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x300x300x1xi8>, tensor<1x300x300x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>) -> tensor<1x1x1x1xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x2x1x65536xi8>, tensor<1x2x1x65536xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op 65536 channels are more than 65535}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x2x1x65536xi8>, tensor<1x2x1x65536xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>) -> tensor<1x1x1x1xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x32768x1x2xi8>, tensor<1x3x1x2xi8>, tensor<2xi32>, tensor<2xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_depthwise_conv2d' op an axis of 32768, with its padding, is longer than 32767}}
%0 = cortex_m.quantized_depthwise_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, depth_multiplier = 1 : i32, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x32768x1x2xi8>, tensor<1x3x1x2xi8>, tensor<2xi32>, tensor<2xi32>, tensor<16xi8>) -> tensor<1x32766x1x2xi8>

// -----

%x = "test.op"() : () -> tensor<3x512xi8>
// expected-error@+1 {{'cortex_m.softmax' op a row has 1 to 511 elements, got 512}}
%0 = cortex_m.softmax %x {dim = 1 : i32, input_zero_point = 0 : i32, output_zero_point = -128 : i32, input_multiplier = 1 : i32, input_shift = 0 : i32, diff_min = -100 : i32} : (tensor<3x512xi8>) -> tensor<3x512xi8>

// -----

%x = "test.op"() : () -> tensor<2147483648xi8>
// expected-error@+1 {{'cortex_m.minimum' op a tensor has 2147483648 bytes, more than 2147483647}}
%0 = cortex_m.minimum %x, %x : (tensor<2147483648xi8>, tensor<2147483648xi8>) -> tensor<2147483648xi8>

// -----

// A 1×1 convolution counts in 32 bits.
%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x65536x1x1xi8>, tensor<1x1x1x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>)
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x65536x1x1xi8>, tensor<1x1x1x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>) -> tensor<1x65536x1x1xi8>

// -----

// The offset of 7 rows of 9,363 bytes exceeds 16 bits.
%x = "test.op"() : () -> tensor<8x9363xi8>
// expected-error@+1 {{'cortex_m.transpose' op a matrix of 8 by 9363 is larger than the kernel's 16-bit counters allow}}
%0 = cortex_m.transpose %x {perm = array<i64: 1, 0>} : (tensor<8x9363xi8>) -> tensor<9363x8xi8>

// -----

%x = "test.op"() : () -> tensor<1x1x65536x2xi8>
// expected-error@+1 {{'cortex_m.transpose' op a matrix of 65536 by 2 is larger than the kernel's 16-bit counters allow}}
%0 = cortex_m.transpose %x {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x1x65536x2xi8>) -> tensor<1x1x2x65536xi8>
