// RUN: DIAGNOSTICS

%x, %w = "test.op"() : () -> (tensor<3x8xf32>, tensor<2x8xi8>)
// expected-error@+1 {{'cortex_m.quantized_linear' op input must be a tensor of i8, got tensor<3x8xf32>}}
%0 = cortex_m.quantized_linear %x, %w {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1>, requantize_shifts = array<i64: 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xf32>, tensor<2x8xi8>) -> tensor<3x2xi8>

// -----

%x, %w = "test.op"() : () -> (tensor<3x8xi8>, tensor<2x8x1xi8>)
// expected-error@+1 {{'cortex_m.quantized_linear' op weights must have rank 2, got tensor<2x8x1xi8>}}
%0 = cortex_m.quantized_linear %x, %w {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1>, requantize_shifts = array<i64: 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8x1xi8>) -> tensor<3x2xi8>

// -----

%x, %w = "test.op"() : () -> (tensor<3x8xi8>, tensor<8x2xi8>)
// expected-error@+1 {{'cortex_m.quantized_linear' op weights [8, 2] do not fit input [3, 8]}}
%0 = cortex_m.quantized_linear %x, %w {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1>, requantize_shifts = array<i64: 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<8x2xi8>) -> tensor<3x2xi8>

// -----

%x, %w = "test.op"() : () -> (tensor<i8>, tensor<2x8xi8>)
// expected-error@+1 {{'cortex_m.quantized_linear' op weights [2, 8] do not fit input []}}
%0 = cortex_m.quantized_linear %x, %w {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1>, requantize_shifts = array<i64: 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<i8>, tensor<2x8xi8>) -> tensor<2xi8>

// -----

%x, %w = "test.op"() : () -> (tensor<3x8xi8>, tensor<2x8xi8>)
// expected-error@+1 {{'cortex_m.quantized_linear' op output shape [2, 3] should be [3, 2]}}
%0 = cortex_m.quantized_linear %x, %w {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1>, requantize_shifts = array<i64: 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<2x3xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<3x8xi8>, tensor<2x8xi8>, tensor<2xi8>)
// expected-error@+1 {{'cortex_m.quantized_linear' op bias must be a tensor of i32, got tensor<2xi8>}}
%0 = cortex_m.quantized_linear %x, %w bias %b : tensor<2xi8> {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1>, requantize_shifts = array<i64: 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>

// -----

%x, %w, %k = "test.op"() : () -> (tensor<3x8xi8>, tensor<2x8xi8>, tensor<8xi32>)
// expected-error@+1 {{'cortex_m.quantized_linear' op kernel_sum shape [8] should be [2]}}
%0 = cortex_m.quantized_linear %x, %w kernel_sum %k : tensor<8xi32> {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1>, requantize_shifts = array<i64: 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>

// -----

%x, %w, %b, %k = "test.op"() : () -> (tensor<3x8xi8>, tensor<2x8xi8>, tensor<2xi32>, tensor<2xi32>)
// expected-error@+1 {{'cortex_m.quantized_linear' op give bias or kernel_sum: each ISA's kernel reads one of them only}}
%0 = cortex_m.quantized_linear %x, %w bias %b : tensor<2xi32> kernel_sum %k : tensor<2xi32> {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1>, requantize_shifts = array<i64: 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>

// -----

%x, %w = "test.op"() : () -> (tensor<3x8xi8>, tensor<2x8xi8>)
// expected-error@+1 {{'cortex_m.quantized_linear' op the kernel takes one multiplier and one shift; use quantized_conv2d}}
%0 = cortex_m.quantized_linear %x, %w {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1, 1>, requantize_shifts = array<i64: 0, 0>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>

// -----

%x, %w = "test.op"() : () -> (tensor<3x8xi8>, tensor<2x8xi8>)
// expected-error@+1 {{'cortex_m.quantized_linear' op the kernel takes one multiplier and one shift; use quantized_conv2d}}
%0 = cortex_m.quantized_linear %x, %w {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1>, requantize_shifts = array<i64>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>

// -----

%x, %w = "test.op"() : () -> (tensor<3x8xi8>, tensor<2x8xi8>)
// expected-error@+1 {{'cortex_m.quantized_linear' op activation_min 127 is above activation_max -128}}
%0 = cortex_m.quantized_linear %x, %w {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1>, requantize_shifts = array<i64: 0>, activation_max = -128 : i32, activation_min = 127 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>

// -----

%l, %r, %t = "test.op"() : () -> (tensor<5x3x8xi8>, tensor<5x2x8xi16>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_batch_matmul' op rhs_transposed must be a tensor of i8, got tensor<5x2x8xi16>}}
%0 = cortex_m.quantized_batch_matmul %l, %r scratch %t {lhs_zero_point = 0 : i32, rhs_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32} : (tensor<5x3x8xi8>, tensor<5x2x8xi16>, tensor<16xi8>) -> tensor<5x3x2xi8>

// -----

%l, %r, %t = "test.op"() : () -> (tensor<5x3x8xi8>, tensor<5x2x8xi8>, tensor<4xi32>)
// expected-error@+1 {{'cortex_m.quantized_batch_matmul' op scratch must be a tensor of i8, got tensor<4xi32>}}
%0 = cortex_m.quantized_batch_matmul %l, %r scratch %t {lhs_zero_point = 0 : i32, rhs_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32} : (tensor<5x3x8xi8>, tensor<5x2x8xi8>, tensor<4xi32>) -> tensor<5x3x2xi8>

// -----

%l, %r, %t = "test.op"() : () -> (tensor<3x8xi8>, tensor<5x2x8xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_batch_matmul' op lhs must have rank 3, got tensor<3x8xi8>}}
%0 = cortex_m.quantized_batch_matmul %l, %r scratch %t {lhs_zero_point = 0 : i32, rhs_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32} : (tensor<3x8xi8>, tensor<5x2x8xi8>, tensor<16xi8>) -> tensor<5x3x2xi8>

// -----

// The rhs must already be transposed.
%l, %r, %t = "test.op"() : () -> (tensor<5x3x8xi8>, tensor<5x8x2xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_batch_matmul' op rhs_transposed [5, 8, 2] should be [5, N, 8]}}
%0 = cortex_m.quantized_batch_matmul %l, %r scratch %t {lhs_zero_point = 0 : i32, rhs_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32} : (tensor<5x3x8xi8>, tensor<5x8x2xi8>, tensor<16xi8>) -> tensor<5x3x2xi8>

// -----

%l, %r, %t = "test.op"() : () -> (tensor<5x3x8xi8>, tensor<1x2x8xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_batch_matmul' op rhs_transposed [1, 2, 8] should be [5, N, 8]}}
%0 = cortex_m.quantized_batch_matmul %l, %r scratch %t {lhs_zero_point = 0 : i32, rhs_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32} : (tensor<5x3x8xi8>, tensor<1x2x8xi8>, tensor<16xi8>) -> tensor<5x3x2xi8>

// -----

%l, %r, %t = "test.op"() : () -> (tensor<5x3x8xi8>, tensor<5x2x8xi8>, tensor<16xi8>)
// expected-error@+1 {{'cortex_m.quantized_batch_matmul' op output shape [5, 2, 3] should be [5, 3, 2]}}
%0 = cortex_m.quantized_batch_matmul %l, %r scratch %t {lhs_zero_point = 0 : i32, rhs_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1 : i32, output_shift = 0 : i32} : (tensor<5x3x8xi8>, tensor<5x2x8xi8>, tensor<16xi8>) -> tensor<5x2x3xi8>

// -----

%x = "test.op"() : () -> tensor<3x8xi16>
// expected-error@+1 {{'cortex_m.softmax' op input must be a tensor of i8, got tensor<3x8xi16>}}
%0 = cortex_m.softmax %x {dim = 1 : i32, input_zero_point = 0 : i32, output_zero_point = -128 : i32, input_multiplier = 1 : i32, input_shift = 0 : i32, diff_min = -100 : i32} : (tensor<3x8xi16>) -> tensor<3x8xi8>

// -----

%x = "test.op"() : () -> tensor<3x8xi8>
// expected-error@+1 {{'cortex_m.softmax' op output shape [8, 3] should be [3, 8]}}
%0 = cortex_m.softmax %x {dim = 1 : i32, input_zero_point = 0 : i32, output_zero_point = -128 : i32, input_multiplier = 1 : i32, input_shift = 0 : i32, diff_min = -100 : i32} : (tensor<3x8xi8>) -> tensor<8x3xi8>

// -----

%x = "test.op"() : () -> tensor<3x8xi8>
// expected-error@+1 {{'cortex_m.softmax' op the kernel works over the last dimension only}}
%0 = cortex_m.softmax %x {dim = 0 : i32, input_zero_point = 0 : i32, output_zero_point = -128 : i32, input_multiplier = 1 : i32, input_shift = 0 : i32, diff_min = -100 : i32} : (tensor<3x8xi8>) -> tensor<3x8xi8>

// -----

%x = "test.op"() : () -> tensor<3x8xi8>
// expected-error@+1 {{'cortex_m.softmax' op output_zero_point must be -128}}
%0 = cortex_m.softmax %x {dim = 1 : i32, input_zero_point = 0 : i32, output_zero_point = 0 : i32, input_multiplier = 1 : i32, input_shift = 0 : i32, diff_min = -100 : i32} : (tensor<3x8xi8>) -> tensor<3x8xi8>
