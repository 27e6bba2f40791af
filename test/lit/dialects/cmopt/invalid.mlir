// RUN: DIAGNOSTICS

%x, %t = "test.op"() : () -> (tensor<2x3xi16>, tensor<512xi16>)
// expected-error@+1 {{'cmopt.lookup' op table must have 513 or 1282 entries, got tensor<512xi16>}}
%0 = cmopt.lookup %x table %t : (tensor<2x3xi16>, tensor<512xi16>) -> tensor<2x3xi16>

// -----

%x, %t = "test.op"() : () -> (tensor<2x3xi8>, tensor<513xi16>)
// expected-error@+1 {{'cmopt.lookup' op input must be a tensor of i16, got tensor<2x3xi8>}}
%0 = cmopt.lookup %x table %t : (tensor<2x3xi8>, tensor<513xi16>) -> tensor<2x3xi16>

// -----

%x = "test.op"() : () -> (tensor<2x3xi16>)
// expected-error@+1 {{'cmopt.requantize' op activation_max must be in -128..127, got 200}}
%0 = cmopt.requantize %x {input_zero_point = 0 : i32, multiplier = 1 : i32, shift = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 200 : i32} : (tensor<2x3xi16>) -> tensor<2x3xi8>

// -----

%x = "test.op"() : () -> (tensor<2x3xi16>)
// expected-error@+1 {{'cmopt.requantize' op shift must be in -31..16, got 17}}
%0 = cmopt.requantize %x {input_zero_point = 0 : i32, multiplier = 1 : i32, shift = 17 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3xi16>) -> tensor<2x3xi8>

// -----

%x = "test.op"() : () -> (tensor<2x3xi32>)
// expected-error@+1 {{'cmopt.requantize' op input must be a tensor of i8 or i16}}
%0 = cmopt.requantize %x {input_zero_point = 0 : i32, multiplier = 1 : i32, shift = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3xi32>) -> tensor<2x3xi8>

// -----

%a, %b = "test.op"() : () -> (tensor<1x2x3xi16>, tensor<1x4x5xi16>)
// expected-error@+1 {{'cmopt.quantized_batch_matmul' op rhs_transposed [1, 4, 5] should be [1, N, 3]}}
%0 = cmopt.quantized_batch_matmul %a, %b {output_multiplier = 1 : i32, output_shift = 0 : i32} : (tensor<1x2x3xi16>, tensor<1x4x5xi16>) -> tensor<1x2x4xi16>

// -----

%x, %y = "test.op"() : () -> (tensor<2x3xi16>, tensor<3xi16>)
// expected-error@+1 {{'cmopt.quantized_mul' op other shape [3] should be [2, 3]}}
%0 = cmopt.quantized_mul %x, %y {output_multiplier = 1 : i32, output_shift = 0 : i32, activation_min = 0 : i32, activation_max = 1 : i32} : (tensor<2x3xi16>, tensor<3xi16>) -> tensor<2x3xi16>

// -----

%x = "test.op"() : () -> (tensor<2x3xi16>)
// expected-error@+1 {{'cmopt.quantized_hypot' op output_shift must be in -16..15, got 16}}
%0 = cmopt.quantized_hypot %x, %x {output_multiplier = 1 : i32, output_shift = 16 : i32} : (tensor<2x3xi16>, tensor<2x3xi16>) -> tensor<2x3xi16>

// -----

%x, %t = "test.op"() : () -> (tensor<2x0xi16>, tensor<513xi16>)
// expected-error@+1 {{'cmopt.softmax' op a row has 1 to 65535 elements}}
%0 = cmopt.softmax %x table %t {input_multiplier = 1 : i32, input_shift = 0 : i32} : (tensor<2x0xi16>, tensor<513xi16>) -> tensor<2x0xi16>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x8xi16>, tensor<6x3x3x4xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cmopt.quantized_conv2d' op weight has 4 input channels, the input 8}}
%0 = cmopt.quantized_conv2d %x, %w bias %b requantize %m, %m scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, activation_min = 0 : i32, activation_max = 1 : i32} : (tensor<1x4x4x8xi16>, tensor<6x3x3x4xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x4x4x6xi16>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x8xi16>, tensor<6x3x3x8xi16>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>)
// expected-error@+1 {{'cmopt.quantized_conv2d' op bias must be a tensor of i64, got tensor<6xi32>}}
%0 = cmopt.quantized_conv2d %x, %w bias %b requantize %m, %m scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, activation_min = 0 : i32, activation_max = 1 : i32} : (tensor<1x4x4x8xi16>, tensor<6x3x3x8xi16>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x4x4x6xi16>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<2x4x4x3xi16>, tensor<1x3x3x3xi8>, tensor<3xi64>, tensor<3xi32>, tensor<16xi8>)
// expected-error@+1 {{'cmopt.quantized_depthwise_conv2d' op the kernel takes batch 1 only, got 2}}
%0 = cmopt.quantized_depthwise_conv2d %x, %w bias %b requantize %m, %m scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, depth_multiplier = 1 : i32, activation_min = 0 : i32, activation_max = 1 : i32} : (tensor<2x4x4x3xi16>, tensor<1x3x3x3xi8>, tensor<3xi64>, tensor<3xi32>, tensor<3xi32>, tensor<16xi8>) -> tensor<2x4x4x3xi16>
