// RUN: DIAGNOSTICS

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_depthwise_conv2d' op weight must have rank 4, got tensor<3x3x6xi8>}}
%0 = cortex_m.quantized_depthwise_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, depth_multiplier = 2 : i32} : (tensor<1x4x4x3xi8>, tensor<3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x4xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_depthwise_conv2d' op weight [1, 3, 3, 6] should be [1, KH, KW, 8]}}
%0 = cortex_m.quantized_depthwise_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, depth_multiplier = 2 : i32} : (tensor<1x4x4x4xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

// This is the weight order of the other convolutions.
%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<6x3x3x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_depthwise_conv2d' op weight [6, 3, 3, 1] should be [1, KH, KW, 6]}}
%0 = cortex_m.quantized_depthwise_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, depth_multiplier = 2 : i32} : (tensor<1x4x4x3xi8>, tensor<6x3x3x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>) -> tensor<1x2x2x1xi8>

// -----

// On MVE the kernel offsets the bias for every 124 channels.
%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x125xi8>, tensor<1x3x3x125xi8>, tensor<125xi32>, tensor<125xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_depthwise_conv2d' op a depthwise convolution of more than 124 channels needs a bias: CMSIS-NN offsets its pointer}}
%0 = cortex_m.quantized_depthwise_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, depth_multiplier = 1 : i32} : (tensor<1x4x4x125xi8>, tensor<1x3x3x125xi8>, tensor<125xi32>, tensor<125xi32>, tensor<16xi8>) -> tensor<1x2x2x125xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<2x4x4x3xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_depthwise_conv2d' op the kernel takes batch 1 only, got 2}}
%0 = cortex_m.quantized_depthwise_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, depth_multiplier = 2 : i32} : (tensor<2x4x4x3xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<2x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_depthwise_conv2d' op output must have 6 channels, got tensor<1x2x2x3xi8>}}
%0 = cortex_m.quantized_depthwise_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, depth_multiplier = 2 : i32} : (tensor<1x4x4x3xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x3xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<3xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_depthwise_conv2d' op requantize_shifts shape [3] should be [6]}}
%0 = cortex_m.quantized_depthwise_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, depth_multiplier = 2 : i32} : (tensor<1x4x4x3xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<3xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_depthwise_conv2d' op output height 5 does not fit input 4, kernel 3, stride 1, padding 0, dilation 1}}
%0 = cortex_m.quantized_depthwise_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, depth_multiplier = 2 : i32} : (tensor<1x4x4x3xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x5x2x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op input must have rank 4, got tensor<4x4x8xi8>}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x6x6x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x4xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op weight [6, 3, 3, 4] does not fit 8 channels}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<1x4x4x8xi8>, tensor<6x3x3x4xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x6x6x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<4xi32>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op output_scratch must be a tensor of i8, got tensor<4xi32>}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<4xi32>) -> tensor<1x6x6x6xi8>

// -----

%x, %w, %b, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<8xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op bias shape [8] should be [6]}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w bias %b requantize %m, %s scratch %t, %u {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<8xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x6x6x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op output_padding must be two integers ≥ 0, got [0]}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0>} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x6x6x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op output_padding must be two integers ≥ 0, got [0, -1]}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, -1>} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x6x6x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op the kernel takes dilation 1 only}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 2, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x6x6x6xi8>

// -----

// The defects of the kernel follow limits.py. Here: rows of the output.
%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op the kernel writes past its output where stride 3 + padding 2 exceeds kernel 3 + output_padding 0}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 3, 1>, padding = array<i64: 2, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x8x6x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x4x4x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<0xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op the kernel miscounts rows where padding 1 is no multiple of stride 2}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 2, 2>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<1x4x4x8xi8>, tensor<6x4x4x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<0xi8>) -> tensor<1x8x8x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x1x4x8xi8>, tensor<6x6x1x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<0xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op the kernel loses rows where padding 2 exceeds 1 rows at stride 1}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 1>, padding = array<i64: 2, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<1x1x4x8xi8>, tensor<6x6x1x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<0xi8>) -> tensor<1x2x4x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x3x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<0xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op the kernel reads past its sums where output_padding 1 exceeds 0}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 1>} : (tensor<1x3x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<0xi8>) -> tensor<1x7x10x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x3x4x8xi8>, tensor<6x2x1x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<0xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op CMSIS-NN asks for too little scratch where stride 3 of the width exceeds kernel 1 and stride 1 of the height}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 3>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 2>} : (tensor<1x3x4x8xi8>, tensor<6x2x1x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<0xi8>) -> tensor<1x4x12x6xi8>

// -----

// More than 16 channels and strides up to 2: an ordinary convolution with the filter reversed.
%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x3x4x17xi8>, tensor<6x1x2x17xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<204xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op the kernel takes padding below its 1 taps, got 1}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 2, 2>, padding = array<i64: 1, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<1x3x4x17xi8>, tensor<6x1x2x17xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<204xi8>) -> tensor<1x3x8x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x1x32768x17xi8>, tensor<1x1x2x17xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>, tensor<34xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op an axis of 65537, with its padding, is longer than 65535}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<1x1x32768x17xi8>, tensor<1x1x2x17xi8>, tensor<1xi32>, tensor<1xi32>, tensor<16xi8>, tensor<34xi8>) -> tensor<1x1x65536x1xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op output shape [1, 5, 6, 6] should be [1, 6, 6, 6]}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 0, 0>} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x5x6x6xi8>

// -----

%x, %w, %m, %s, %t, %u = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_transpose_conv2d' op output shape [1, 6, 6, 6] should be [1, 7, 6, 6]}}
%0 = cortex_m.quantized_transpose_conv2d %x, %w requantize %m, %s scratch %t, %u {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32, output_padding = array<i64: 1, 0>} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x6x6x6xi8>
