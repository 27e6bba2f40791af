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

// -----

%x, %h, %c, %wx, %wh, %bx, %bh, %t, %s = "test.op"() : () -> (tensor<6x2x5xi8>, tensor<2x3xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16x3xi8>, tensor<16xi32>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>)
// expected-error@+1 {{'cmopt.lstm' op a hidden state of 3 does not fit the next step of 4}}
%0, %1 = cmopt.lstm %x from %h, %c weights %wx, %wh sums %bx, %bh tables %t scratch %s {input_layers = array<i64: 1073741824, -7, 5>, hidden_layers = array<i64: 1073741824, -8, 9>, gate_sums = array<i64: 1073741824, 0, 1073741824, -2, 1073741824, -19, 18>, forget_product = array<i64: -128, -18, 1073741824, -7, 9>, input_product = array<i64: -128, 3, 1073741824, -7, -4>, cell_sum = array<i64: 1073741824, -1, 1073741824, 0, 1073741824, -19, -18>, output_product = array<i64: -128, -15, 1073741824, -7, -12>, reverse = false} : (tensor<6x2x5xi8>, tensor<2x3xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16xi32>, tensor<16x3xi8>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>) -> (tensor<6x2x4xi8>, tensor<2x4xi8>)

// -----

%x, %h, %c, %wx, %wh, %bx, %bh, %t, %s = "test.op"() : () -> (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<12x5xi8>, tensor<16x4xi8>, tensor<16xi32>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>)
// expected-error@+1 {{'cmopt.lstm' op input_weights shape [12, 5] should be [16, 5]}}
%0, %1 = cmopt.lstm %x from %h, %c weights %wx, %wh sums %bx, %bh tables %t scratch %s {input_layers = array<i64: 1073741824, -7, 5>, hidden_layers = array<i64: 1073741824, -8, 9>, gate_sums = array<i64: 1073741824, 0, 1073741824, -2, 1073741824, -19, 18>, forget_product = array<i64: -128, -18, 1073741824, -7, 9>, input_product = array<i64: -128, 3, 1073741824, -7, -4>, cell_sum = array<i64: 1073741824, -1, 1073741824, 0, 1073741824, -19, -18>, output_product = array<i64: -128, -15, 1073741824, -7, -12>, reverse = false} : (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<12x5xi8>, tensor<16xi32>, tensor<16x4xi8>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>) -> (tensor<6x2x4xi8>, tensor<2x4xi8>)

// -----

%x, %h, %c, %wx, %wh, %bx, %bh, %t, %s = "test.op"() : () -> (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16x4xi8>, tensor<16xi32>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>)
// expected-error@+1 {{'cmopt.lstm' op output shape [5, 2, 4] should be [6, 2, 4]}}
%0, %1 = cmopt.lstm %x from %h, %c weights %wx, %wh sums %bx, %bh tables %t scratch %s {input_layers = array<i64: 1073741824, -7, 5>, hidden_layers = array<i64: 1073741824, -8, 9>, gate_sums = array<i64: 1073741824, 0, 1073741824, -2, 1073741824, -19, 18>, forget_product = array<i64: -128, -18, 1073741824, -7, 9>, input_product = array<i64: -128, 3, 1073741824, -7, -4>, cell_sum = array<i64: 1073741824, -1, 1073741824, 0, 1073741824, -19, -18>, output_product = array<i64: -128, -15, 1073741824, -7, -12>, reverse = false} : (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16xi32>, tensor<16x4xi8>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>) -> (tensor<5x2x4xi8>, tensor<2x4xi8>)

// -----

%x, %h, %c, %wx, %wh, %bx, %bh, %t, %s = "test.op"() : () -> (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16x4xi8>, tensor<16xi32>, tensor<16xi32>, tensor<5x256xi8>, tensor<20xi8>)
// expected-error@+1 {{'cmopt.lstm' op scratch must have 32 bytes, got tensor<20xi8>}}
%0, %1 = cmopt.lstm %x from %h, %c weights %wx, %wh sums %bx, %bh tables %t scratch %s {input_layers = array<i64: 1073741824, -7, 5>, hidden_layers = array<i64: 1073741824, -8, 9>, gate_sums = array<i64: 1073741824, 0, 1073741824, -2, 1073741824, -19, 18>, forget_product = array<i64: -128, -18, 1073741824, -7, 9>, input_product = array<i64: -128, 3, 1073741824, -7, -4>, cell_sum = array<i64: 1073741824, -1, 1073741824, 0, 1073741824, -19, -18>, output_product = array<i64: -128, -15, 1073741824, -7, -12>, reverse = false} : (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16xi32>, tensor<16x4xi8>, tensor<16xi32>, tensor<5x256xi8>, tensor<20xi8>) -> (tensor<6x2x4xi8>, tensor<2x4xi8>)

// -----

%x, %h, %c, %wx, %wh, %bx, %bh, %t, %s = "test.op"() : () -> (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16x4xi8>, tensor<16xi32>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>)
// expected-error@+1 {{'cmopt.lstm' op input_layers must have 3 or 12 numbers, got 4}}
%0, %1 = cmopt.lstm %x from %h, %c weights %wx, %wh sums %bx, %bh tables %t scratch %s {input_layers = array<i64: 1, 2, 3, 4>, hidden_layers = array<i64: 1073741824, -8, 9>, gate_sums = array<i64: 1073741824, 0, 1073741824, -2, 1073741824, -19, 18>, forget_product = array<i64: -128, -18, 1073741824, -7, 9>, input_product = array<i64: -128, 3, 1073741824, -7, -4>, cell_sum = array<i64: 1073741824, -1, 1073741824, 0, 1073741824, -19, -18>, output_product = array<i64: -128, -15, 1073741824, -7, -12>, reverse = false} : (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16xi32>, tensor<16x4xi8>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>) -> (tensor<6x2x4xi8>, tensor<2x4xi8>)

// -----

%x, %h, %c, %wx, %wh, %bx, %bh, %t, %s = "test.op"() : () -> (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16x4xi8>, tensor<16xi32>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>)
// expected-error@+1 {{'cmopt.lstm' op input_layers, hidden_layers and gate_sums must have equal lengths}}
%0, %1 = cmopt.lstm %x from %h, %c weights %wx, %wh sums %bx, %bh tables %t scratch %s {input_layers = array<i64: 1073741824, -7, 5>, hidden_layers = array<i64: 1073741824, -8, 9, 1073741824, -8, 9, 1073741824, -8, 9, 1073741824, -8, 9>, gate_sums = array<i64: 1073741824, 0, 1073741824, -2, 1073741824, -19, 18>, forget_product = array<i64: -128, -18, 1073741824, -7, 9>, input_product = array<i64: -128, 3, 1073741824, -7, -4>, cell_sum = array<i64: 1073741824, -1, 1073741824, 0, 1073741824, -19, -18>, output_product = array<i64: -128, -15, 1073741824, -7, -12>, reverse = false} : (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16xi32>, tensor<16x4xi8>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>) -> (tensor<6x2x4xi8>, tensor<2x4xi8>)

// -----

%x, %h, %c, %wx, %wh, %bx, %bh, %t, %s = "test.op"() : () -> (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16x4xi8>, tensor<16xi32>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>)
// expected-error@+1 {{'cmopt.lstm' op the second_zero_point of forget_product must be in -128..127: 200}}
%0, %1 = cmopt.lstm %x from %h, %c weights %wx, %wh sums %bx, %bh tables %t scratch %s {input_layers = array<i64: 1073741824, -7, 5>, hidden_layers = array<i64: 1073741824, -8, 9>, gate_sums = array<i64: 1073741824, 0, 1073741824, -2, 1073741824, -19, 18>, forget_product = array<i64: -128, 200, 1073741824, -7, 9>, input_product = array<i64: -128, 3, 1073741824, -7, -4>, cell_sum = array<i64: 1073741824, -1, 1073741824, 0, 1073741824, -19, -18>, output_product = array<i64: -128, -15, 1073741824, -7, -12>, reverse = false} : (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16xi32>, tensor<16x4xi8>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>) -> (tensor<6x2x4xi8>, tensor<2x4xi8>)

// -----

%x, %h, %c, %wx, %wh, %bx, %bh, %t, %s = "test.op"() : () -> (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16x4xi8>, tensor<16xi32>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>)
// expected-error@+1 {{'cmopt.lstm' op the shift of cell_sum must be in -31..31: 32}}
%0, %1 = cmopt.lstm %x from %h, %c weights %wx, %wh sums %bx, %bh tables %t scratch %s {input_layers = array<i64: 1073741824, -7, 5>, hidden_layers = array<i64: 1073741824, -8, 9>, gate_sums = array<i64: 1073741824, 0, 1073741824, -2, 1073741824, -19, 18>, forget_product = array<i64: -128, -18, 1073741824, -7, 9>, input_product = array<i64: -128, 3, 1073741824, -7, -4>, cell_sum = array<i64: 1073741824, -1, 1073741824, 0, 1073741824, 32, -18>, output_product = array<i64: -128, -15, 1073741824, -7, -12>, reverse = false} : (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16xi32>, tensor<16x4xi8>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>) -> (tensor<6x2x4xi8>, tensor<2x4xi8>)

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi32>, tensor<12xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op input must be a tensor of i8 or i16}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi32>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op output must be a tensor of i8 or i16}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xf32>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op output shape [2, 3, 5] should be [2, 3, 4]}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x5xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<12xi16>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op weight must be a tensor of i32, got tensor<12xi16>}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi16>, tensor<1xi32>) -> tensor<2x3x4xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op a row of 6 is not the last dimensions of [2, 3, 4]}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 6 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<1x32769xi16>, tensor<1xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op row must be in 1..32768, got 32769}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 32769 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x32769xi16>, tensor<1xi32>, tensor<1xi32>) -> tensor<1x32769xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<4xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op weight shape [4] should be [12] or [1]}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<4xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op input_zero_point must be in -128..127, got 128}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 128 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op epsilon_multiplier must be in 0..2147483647, got -1}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = -1 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op epsilon_shift must be in -96..96, got 97}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = 97 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op fraction_bits must be in 1..24, got 0}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>)
// expected-error@+1 {{'cmopt.layer_norm' op activation_max must be in -128..127, got 128}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 128 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>

// -----

%x, %w = "test.op"() : () -> (tensor<2x3x4xi8>, tensor<12xi32>)
%b = arith.constant dense<1073741825> : tensor<1xi32>
// expected-error@+1 {{'cmopt.layer_norm' op bias must be in -1073741824..1073741824, got 1073741825}}
%0 = cmopt.layer_norm %x weight %w bias %b {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>
