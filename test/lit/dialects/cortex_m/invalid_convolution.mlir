// RUN: DIAGNOSTICS

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op input must have rank 4, got tensor<4x4x8xi8>}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op weight must have rank 4, got tensor<6x3x8xi8>}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op output must have rank 4, got tensor<2x2x6xi8>}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi16>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op input must be a tensor of i8, got tensor<1x4x4x8xi16>}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi16>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi4>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op weight must be a tensor of i8, got tensor<6x3x3x8xi4>}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi4>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op output must be a tensor of i8, got tensor<1x2x2x6xi32>}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi32>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<4xi32>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op scratch must be a tensor of i8, got tensor<4xi32>}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<4xi32>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<4x4xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op scratch must have rank 1, got tensor<4x4xi8>}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<4x4xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi64>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op requantize_multipliers must be a tensor of i32, got tensor<6xi64>}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi64>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

// One element for each output channel.
%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<1xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op requantize_multipliers shape [1] should be [6]}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<1xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<8xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op requantize_shifts shape [8] should be [6]}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<8xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %b, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op bias must be a tensor of i32, got tensor<6xi8>}}
%0 = cortex_m.quantized_conv2d %x, %w bias %b requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %b, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<8xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op bias shape [8] should be [6]}}
%0 = cortex_m.quantized_conv2d %x, %w bias %b requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<8xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op activation_min must be in -128..127, got -129}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -129 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op activation_max must be in -128..127, got 128}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 128 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op activation_min 5 is above activation_max 4}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = 5 : i32, activation_max = 4 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

// The offset is the negated zero point.
%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op input_offset must be in -127..128, got -128}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = -128 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op output_offset must be in -128..127, got 128}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 128 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op stride must be two integers ≥ 1, got [1, 0]}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 0>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

// (top, left)
%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op padding must be two integers ≥ 0, got [0, 0, 0, 0]}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>

// -----

%x, %w, %m, %s, %t = "test.op"() : () -> (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_conv2d' op dilation must be two integers ≥ 1, got [0, 1]}}
%0 = cortex_m.quantized_conv2d %x, %w requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 0, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>
