// RUN: DIAGNOSTICS

// A verifier says what a kernel refuses, or computes otherwise: what verifies also runs.

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'cortex_m.quantize_per_tensor' op quant_min must be in -128..127, got 1073741824}}
%0 = cortex_m.quantize_per_tensor %x {scale = 0.1 : f64, zero_point = 0 : i32, quant_min = 1073741824 : i32, quant_max = 127 : i32} : (tensor<4xf32>) -> tensor<4xi8>

// -----

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'cortex_m.quantize_per_tensor' op quant_min 5 is above quant_max 4}}
%0 = cortex_m.quantize_per_tensor %x {scale = 0.1 : f64, zero_point = 0 : i32, quant_min = 5 : i32, quant_max = 4 : i32} : (tensor<4xf32>) -> tensor<4xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'cortex_m.dequantize_per_tensor' op zero_point must be in -128..127, got 255}}
%0 = cortex_m.dequantize_per_tensor %x {scale = 0.1 : f64, zero_point = 255 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xi8>) -> tensor<4xf32>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'cortex_m.quantized_mul' op self_zero_point must be in -128..127, got 255}}
%0 = cortex_m.quantized_mul %x, %x {self_zero_point = 255 : i32, other_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1073741824 : i32, output_shift = 0 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'cortex_m.quantized_mul' op output_multiplier must be in -2147483647..2147483647, got -2147483648}}
%0 = cortex_m.quantized_mul %x, %x {self_zero_point = 0 : i32, other_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = -2147483648 : i32, output_shift = 0 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>

// -----

%x, %w, %t = "test.op"() : () -> (tensor<1x1x1x1xi8>, tensor<1x1x1x1xi8>, tensor<0xi8>)
%m = arith.constant dense<-2147483648> : tensor<1xi32>
%s = arith.constant dense<0> : tensor<1xi32>
// expected-error@+1 {{'cortex_m.quantized_conv2d' op requantize_multipliers must be in -2147483647..2147483647, got -2147483648}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x1x1x1xi8>, tensor<1x1x1x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<0xi8>) -> tensor<1x1x1x1xi8>

// -----

%x, %w, %t = "test.op"() : () -> (tensor<1x1x1x1xi8>, tensor<1x1x1x1xi8>, tensor<0xi8>)
%m = arith.constant dense<1073741824> : tensor<1xi32>
%s = arith.constant dense<32> : tensor<1xi32>
// expected-error@+1 {{'cortex_m.quantized_conv2d' op requantize_shifts must be in -31..31, got 32}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x1x1x1xi8>, tensor<1x1x1x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<0xi8>) -> tensor<1x1x1x1xi8>

// -----

%x = "test.op"() : () -> tensor<1x2xi8>
%w = arith.constant dense<[[127, 127]]> : tensor<1x2xi8>
%k = arith.constant dense<-2147483648> : tensor<1xi32>
// expected-error@+1 {{'cortex_m.quantized_linear' op kernel_sum is not that of the weights: no bias of 32 bits gives it}}
%0 = cortex_m.quantized_linear %x, %w kernel_sum %k : tensor<1xi32> {input_offset = 128 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1073741824>, requantize_shifts = array<i64: 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x1xi8>

// -----

%x = "test.op"() : () -> tensor<1x2xi8>
%w = arith.constant dense<[[127, 127]]> : tensor<1x2xi8>
// expected-error@+1 {{'cortex_m.quantized_linear' op filter_offset must be in -127..128, got -128}}
%0 = cortex_m.quantized_linear %x, %w {input_offset = 128 : i32, filter_offset = -128 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1073741824>, requantize_shifts = array<i64: 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x1xi8>

// -----

%x = "test.op"() : () -> tensor<2x4xi8>
// expected-error@+1 {{'cortex_m.softmax' op diff_min must be in -2147483647..0, got 1}}
%0 = cortex_m.softmax %x {dim = 1 : i32, input_zero_point = 0 : i32, output_zero_point = -128 : i32, input_multiplier = 1073741824 : i32, input_shift = 20 : i32, diff_min = 1 : i32} : (tensor<2x4xi8>) -> tensor<2x4xi8>

// -----

%x, %t = "test.op"() : () -> (tensor<1x2x0x1xi8>, tensor<0xi8>)
// expected-error@+1 {{'cortex_m.quantized_avg_pool2d' op output size 1 does not fit input 0}}
%0 = cortex_m.quantized_avg_pool2d %x scratch %t {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x2x0x1xi8>, tensor<0xi8>) -> tensor<1x1x1x1xi8>

// -----

// The places of a plan are checked too: working memory must not lie in bytes that are read later.
func.func @forward(%x: tensor<1x1x1x4xi8, #cortex_m.place<arena, 0>>) -> (tensor<1x1x1x4xi8, #cortex_m.place<arena, 16>>, tensor<1x1x1x4xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 32 : i64} {
  %t = cortex_m.scratch : tensor<4xi8, #cortex_m.place<arena, 2>>
  // expected-error@+1 {{'cortex_m.quantized_avg_pool2d' op writes over an operand it has not finished reading}}
  %0 = cortex_m.quantized_avg_pool2d %x scratch %t {kernel_size = array<i64: 1, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x1x1x4xi8, #cortex_m.place<arena, 0>>, tensor<4xi8, #cortex_m.place<arena, 2>>) -> tensor<1x1x1x4xi8, #cortex_m.place<arena, 16>>
  func.return %0, %x : tensor<1x1x1x4xi8, #cortex_m.place<arena, 16>>, tensor<1x1x1x4xi8, #cortex_m.place<arena, 0>>
}
