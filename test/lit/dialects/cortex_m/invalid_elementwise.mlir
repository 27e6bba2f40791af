// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'cortex_m.quantize_per_tensor' op output must be a tensor of i8 or i16}}
%0 = cortex_m.quantize_per_tensor %x {scale = 0.1 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xf32>) -> tensor<4xi32>

// -----

%x = "test.op"() : () -> tensor<4xf64>
// expected-error@+1 {{'cortex_m.quantize_per_tensor' op input must be a tensor of f32}}
%0 = cortex_m.quantize_per_tensor %x {scale = 0.1 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xf64>) -> tensor<4xi8>

// -----

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'cortex_m.quantize_per_tensor' op output shape [2, 2] should be [4]}}
%0 = cortex_m.quantize_per_tensor %x {scale = 0.1 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xf32>) -> tensor<2x2xi8>

// -----

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'cortex_m.quantize_per_tensor' op scale and its inverse must be normal numbers of float32}}
%0 = cortex_m.quantize_per_tensor %x {scale = 0.0 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xf32>) -> tensor<4xi8>

// -----

%x = "test.op"() : () -> tensor<4xi32>
// expected-error@+1 {{'cortex_m.dequantize_per_tensor' op input must be a tensor of i8 or i16}}
%0 = cortex_m.dequantize_per_tensor %x {scale = 0.1 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xi32>) -> tensor<4xf32>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'cortex_m.dequantize_per_tensor' op output must be a tensor of f32}}
%0 = cortex_m.dequantize_per_tensor %x {scale = 0.1 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xi8>) -> tensor<4xf16>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'cortex_m.dequantize_per_tensor' op output shape [1, 4] should be [4]}}
%0 = cortex_m.dequantize_per_tensor %x {scale = 0.1 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xi8>) -> tensor<1x4xf32>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'cortex_m.dequantize_per_tensor' op scale and its inverse must be normal numbers of float32}}
%0 = cortex_m.dequantize_per_tensor %x {scale = -0.1 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xi8>) -> tensor<4xf32>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi16>, tensor<4xi8>)
// expected-error@+1 {{'cortex_m.minimum' op input must be a tensor of i8, got tensor<4xi16>}}
%0 = cortex_m.minimum %x, %y : (tensor<4xi16>, tensor<4xi8>) -> tensor<4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<4xf32>)
// expected-error@+1 {{'cortex_m.maximum' op other must be a tensor of i8, got tensor<4xf32>}}
%0 = cortex_m.maximum %x, %y : (tensor<4xi8>, tensor<4xf32>) -> tensor<4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<4xi8>)
// expected-error@+1 {{'cortex_m.maximum' op output must be a tensor of i8, got tensor<4xi16>}}
%0 = cortex_m.maximum %x, %y : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi16>

// -----

// The kernels do not broadcast.
// The operand that is repeated for each pixel has one pixel, and is the second.
%x, %y = "test.op"() : () -> (tensor<1x1x1x4xi8>, tensor<1x3x2x4xi8>)
// expected-error@+1 {{'cortex_m.quantized_mul' op other shape [1, 3, 2, 4] should be [1, 1, 1, 4]}}
%0 = cortex_m.quantized_mul %x, %y {self_zero_point = 0 : i32, other_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32} : (tensor<1x1x1x4xi8>, tensor<1x3x2x4xi8>) -> tensor<1x3x2x4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<3xi8>)
// expected-error@+1 {{'cortex_m.minimum' op shapes [4] and [3] do not broadcast}}
%0 = cortex_m.minimum %x, %y : (tensor<4xi8>, tensor<3xi8>) -> tensor<4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<2x1x1xi8>, tensor<2x3x4xi8>)
// expected-error@+1 {{'cortex_m.maximum' op the kernel broadcasts rows of one element wrongly to rows of 3}}
%0 = cortex_m.maximum %x, %y : (tensor<2x1x1xi8>, tensor<2x3x4xi8>) -> tensor<2x3x4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<1x1x1x1x2xi8>, tensor<2xi8>)
// expected-error@+1 {{'cortex_m.maximum' op operands have rank 4 at most}}
%0 = cortex_m.maximum %x, %y : (tensor<1x1x1x1x2xi8>, tensor<2xi8>) -> tensor<1x1x1x1x2xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<4xi8>)
// expected-error@+1 {{'cortex_m.maximum' op output shape [2, 2] should be [4]}}
%0 = cortex_m.maximum %x, %y : (tensor<4xi8>, tensor<4xi8>) -> tensor<2x2xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4x4xi8>, tensor<4x1xi8>)
// expected-error@+1 {{'cortex_m.quantized_add' op other shape [4, 1] should be [4, 4]}}
%0 = cortex_m.quantized_add %x, %y {self_zero_point = 0 : i32, self_multiplier = 1 : i32, self_shift = 0 : i32, other_zero_point = 0 : i32, other_multiplier = 1 : i32, other_shift = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<4x4xi8>, tensor<4x1xi8>) -> tensor<4x4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<4xi8>)
// expected-error@+1 {{'cortex_m.quantized_add' op activation_min 1 is above activation_max 0}}
%0 = cortex_m.quantized_add %x, %y {self_zero_point = 0 : i32, self_multiplier = 1 : i32, self_shift = 0 : i32, other_zero_point = 0 : i32, other_multiplier = 1 : i32, other_shift = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32, activation_min = 1 : i32, activation_max = 0 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<4xi8>)
// expected-error@+1 {{'cortex_m.quantized_add' op self_shift must be in -31..31, got -32}}
%0 = cortex_m.quantized_add %x, %y {self_zero_point = 0 : i32, self_multiplier = 1 : i32, self_shift = -32 : i32, other_zero_point = 0 : i32, other_multiplier = 1 : i32, other_shift = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<4xi8>)
// expected-error@+1 {{'cortex_m.quantized_add' op other_shift must be in -31..31, got 32}}
%0 = cortex_m.quantized_add %x, %y {self_zero_point = 0 : i32, self_multiplier = 1 : i32, self_shift = 0 : i32, other_zero_point = 0 : i32, other_multiplier = 1 : i32, other_shift = 32 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<4xi8>)
// expected-error@+1 {{'cortex_m.quantized_add' op output_shift must be in -31..31, got -40}}
%0 = cortex_m.quantized_add %x, %y {self_zero_point = 0 : i32, self_multiplier = 1 : i32, self_shift = 0 : i32, other_zero_point = 0 : i32, other_multiplier = 1 : i32, other_shift = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = -40 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<1xi8>)
// expected-error@+1 {{'cortex_m.quantized_mul' op other shape [1] should be [4]}}
%0 = cortex_m.quantized_mul %x, %y {self_zero_point = 0 : i32, other_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32} : (tensor<4xi8>, tensor<1xi8>) -> tensor<4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<4xi8>)
// expected-error@+1 {{'cortex_m.quantized_mul' op output_shift must be in -31..31, got 32}}
%0 = cortex_m.quantized_mul %x, %y {self_zero_point = 0 : i32, other_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 32 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi16>, tensor<4xi8>)
// expected-error@+1 {{'cortex_m.quantized_div' op other must be a tensor of i16, as output is}}
%0 = cortex_m.quantized_div %x, %y {self_zero_point = 0 : i32, other_zero_point = 0 : i32, output_zero_point = 0 : i32, output_scale = 1.0 : f64} : (tensor<4xi16>, tensor<4xi8>) -> tensor<4xi16>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<4xi8>)
// expected-error@+1 {{'cortex_m.quantized_div' op output shape [2, 2] should be [4]}}
%0 = cortex_m.quantized_div %x, %y {self_zero_point = 0 : i32, other_zero_point = 0 : i32, output_zero_point = 0 : i32, output_scale = 1.0 : f64} : (tensor<4xi8>, tensor<4xi8>) -> tensor<2x2xi8>

// -----

%x, %l = "test.op"() : () -> (tensor<4xi16>, tensor<256xi8>)
// expected-error@+1 {{'cortex_m.quantized_activation' op input must be a tensor of i8, got tensor<4xi16>}}
%0 = cortex_m.quantized_activation %x lut %l : (tensor<4xi16>, tensor<256xi8>) -> tensor<4xi8>

// -----

%x, %l = "test.op"() : () -> (tensor<4xi8>, tensor<256xi16>)
// expected-error@+1 {{'cortex_m.quantized_activation' op lut must be a tensor of i8, got tensor<256xi16>}}
%0 = cortex_m.quantized_activation %x lut %l : (tensor<4xi8>, tensor<256xi16>) -> tensor<4xi8>

// -----

%x, %l = "test.op"() : () -> (tensor<4xi8>, tensor<255xi8>)
// expected-error@+1 {{'cortex_m.quantized_activation' op lut shape [255] should be [256]}}
%0 = cortex_m.quantized_activation %x lut %l : (tensor<4xi8>, tensor<255xi8>) -> tensor<4xi8>

// -----

%x, %l = "test.op"() : () -> (tensor<4xi8>, tensor<256xi8>)
// expected-error@+1 {{'cortex_m.quantized_activation' op output shape [2, 2] should be [4]}}
%0 = cortex_m.quantized_activation %x lut %l : (tensor<4xi8>, tensor<256xi8>) -> tensor<2x2xi8>
