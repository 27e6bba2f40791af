// RUN: DIAGNOSTICS

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x3xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op weight [6, 3, 3, 3] does not fit 8 input channels}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x3xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

// 6 output channels cannot be split into 4 groups.
%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x2xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op weight [6, 3, 3, 2] does not fit 8 input channels}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x2xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x0xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op weight [6, 3, 3, 0] does not fit 8 input channels}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x0xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x0xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op weight [6, 3, 3, 8] does not fit 0 input channels}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x0xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x4xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op a grouped convolution needs a bias: CMSIS-NN offsets its pointer}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x4xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op output must have 6 channels, got tensor<1x2x2x8xi8>}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x8xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op output batch 2 differs from input batch 1}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<2x2x2x6xi8>

// -----

// The last window would begin below the input.
%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op output height 5 does not fit input 4, kernel 3, stride 1, padding 0, dilation 1}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x5x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op output width 6 does not fit input 4, kernel 3, stride 1, padding 1, dilation 1}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x6x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op output height 0 does not fit input 4, kernel 3, stride 1, padding 0, dilation 1}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x0x2x6xi8>

// -----

// The first window would lie wholly in the padding.
%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op output height 2 does not fit input 4, kernel 3, stride 1, padding 3, dilation 1}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 3, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>
