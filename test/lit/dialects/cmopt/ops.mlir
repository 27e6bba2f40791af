// RUN: ROUNDTRIP

// The ops of this project's operator library, printed and parsed again.

// CHECK-LABEL: @convolutions
// CHECK: %{{.*}} = cmopt.quantized_conv2d %{{.*}}, %{{.*}} bias %{{.*}} requantize %{{.*}}, %{{.*}} scratch %{{.*}} {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, activation_min = -32768 : i32, activation_max = 32767 : i32} : (tensor<1x4x4x8xi16>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x4x4x6xi16>
// CHECK: cmopt.quantized_conv2d {{.*}} : (tensor<1x4x4x8xi16>, tensor<6x3x3x8xi16>, tensor<6xi64>, {{.*}}) -> tensor<1x4x4x6xi16>
// CHECK: cmopt.quantized_depthwise_conv2d {{.*}}depth_multiplier = 2 : i32{{.*}} : (tensor<1x4x4x3xi16>, tensor<1x3x3x6xi8>, tensor<6xi64>, {{.*}}) -> tensor<1x4x4x6xi16>
func.func @convolutions(%x: tensor<1x4x4x8xi16>, %w: tensor<6x3x3x8xi8>, %v: tensor<6x3x3x8xi16>, %b: tensor<6xi32>, %c: tensor<6xi64>, %t: tensor<16xi8>, %y: tensor<1x4x4x3xi16>, %d: tensor<1x3x3x6xi8>) {
  %0 = cmopt.quantized_conv2d %x, %w bias %b requantize %b, %b scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, activation_min = -32768 : i32, activation_max = 32767 : i32} : (tensor<1x4x4x8xi16>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x4x4x6xi16>
  %1 = cmopt.quantized_conv2d %x, %v bias %c requantize %b, %b scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, activation_min = 0 : i32, activation_max = 32767 : i32} : (tensor<1x4x4x8xi16>, tensor<6x3x3x8xi16>, tensor<6xi64>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x4x4x6xi16>
  %2 = cmopt.quantized_depthwise_conv2d %y, %d bias %c requantize %b, %b scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, depth_multiplier = 2 : i32, activation_min = 0 : i32, activation_max = 32767 : i32} : (tensor<1x4x4x3xi16>, tensor<1x3x3x6xi8>, tensor<6xi64>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x4x4x6xi16>
  func.return
}

// CHECK-LABEL: @elementwise
// CHECK: cmopt.quantized_add %{{.*}}, %{{.*}} {self_multiplier = 1073741824 : i32,
// CHECK: cmopt.quantized_mul %{{.*}}, %{{.*}} {output_multiplier = 1073741824 : i32,
// CHECK: cmopt.quantized_hypot %{{.*}}, %{{.*}} {output_multiplier = 1073741824 : i32, output_shift = 1 : i32}
// CHECK: cmopt.lookup %{{.*}} table %{{.*}} : (tensor<2x3xi16>, tensor<513xi16>) -> tensor<2x3xi16>
// CHECK: cmopt.requantize %{{.*}} {input_zero_point = 0 : i32, multiplier = 1073741824 : i32, shift = -6 : i32, output_zero_point = 3 : i32, {{.*}}} : (tensor<2x3xi16>) -> tensor<2x3xi8>
func.func @elementwise(%x: tensor<2x3xi16>, %t: tensor<513xi16>) {
  %0 = cmopt.quantized_add %x, %x {self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1073741824 : i32, other_shift = -2 : i32, output_multiplier = 1073741824 : i32, output_shift = -14 : i32, activation_min = -32768 : i32, activation_max = 32767 : i32} : (tensor<2x3xi16>, tensor<2x3xi16>) -> tensor<2x3xi16>
  %1 = cmopt.quantized_mul %x, %x {output_multiplier = 1073741824 : i32, output_shift = -14 : i32, activation_min = -32768 : i32, activation_max = 32767 : i32} : (tensor<2x3xi16>, tensor<2x3xi16>) -> tensor<2x3xi16>
  %2 = cmopt.quantized_hypot %x, %x {output_multiplier = 1073741824 : i32, output_shift = 1 : i32} : (tensor<2x3xi16>, tensor<2x3xi16>) -> tensor<2x3xi16>
  %3 = cmopt.lookup %x table %t : (tensor<2x3xi16>, tensor<513xi16>) -> tensor<2x3xi16>
  %4 = cmopt.requantize %x {input_zero_point = 0 : i32, multiplier = 1073741824 : i32, shift = -6 : i32, output_zero_point = 3 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3xi16>) -> tensor<2x3xi8>
  func.return
}

// CHECK-LABEL: @rows
// CHECK: cmopt.softmax %{{.*}} table %{{.*}} {input_multiplier = 1073741824 : i32, input_shift = 2 : i32} : (tensor<2x3xi16>, tensor<513xi16>) -> tensor<2x3xi16>
// CHECK: cmopt.quantized_batch_matmul %{{.*}}, %{{.*}} {output_multiplier = 1073741824 : i32, output_shift = -14 : i32} : (tensor<1x2x3xi16>, tensor<1x4x3xi16>) -> tensor<1x2x4xi16>
func.func @rows(%x: tensor<2x3xi16>, %t: tensor<513xi16>, %a: tensor<1x2x3xi16>, %b: tensor<1x4x3xi16>) {
  %0 = cmopt.softmax %x table %t {input_multiplier = 1073741824 : i32, input_shift = 2 : i32} : (tensor<2x3xi16>, tensor<513xi16>) -> tensor<2x3xi16>
  %1 = cmopt.quantized_batch_matmul %a, %b {output_multiplier = 1073741824 : i32, output_shift = -14 : i32} : (tensor<1x2x3xi16>, tensor<1x4x3xi16>) -> tensor<1x2x4xi16>
  func.return
}

// CHECK-LABEL: @pools
// CHECK: cmopt.quantized_avg_pool2d %{{.*}} scratch %{{.*}} {kernel_size = array<i64: 2, 2>,
// CHECK: cmopt.quantized_max_pool2d %{{.*}} {kernel_size = array<i64: 2, 2>,
func.func @pools(%x: tensor<1x4x4x3xi16>, %t: tensor<0xi8>) {
  %0 = cmopt.quantized_avg_pool2d %x scratch %t {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, activation_min = -32768 : i32, activation_max = 32767 : i32} : (tensor<1x4x4x3xi16>, tensor<0xi8>) -> tensor<1x2x2x3xi16>
  %1 = cmopt.quantized_max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, activation_min = -32768 : i32, activation_max = 32767 : i32} : (tensor<1x4x4x3xi16>) -> tensor<1x2x2x3xi16>
  func.return
}

// CHECK-LABEL: @recurrent
// CHECK: cmopt.lstm %{{.*}} from %{{.*}}, %{{.*}} weights %{{.*}}, %{{.*}} sums %{{.*}}, %{{.*}} tables %{{.*}} scratch %{{.*}} {{{.*}}reverse = false} : {{.*}} -> (tensor<6x2x4xi8>, tensor<2x4xi8>)
// CHECK: cmopt.lstm {{.*}}reverse = true} : {{.*}} -> (tensor<2x4xi8>, tensor<2x4xi8>)
func.func @recurrent(%x: tensor<6x2x5xi8>, %h: tensor<2x4xi8>, %c: tensor<2x4xi8>, %wx: tensor<16x5xi8>, %wh: tensor<16x4xi8>, %bx: tensor<16xi32>, %bh: tensor<16xi32>, %t: tensor<5x256xi8>, %s: tensor<32xi8>, %u: tensor<20xi8>) {
  %0, %1 = cmopt.lstm %x from %h, %c weights %wx, %wh sums %bx, %bh tables %t scratch %s {input_layers = array<i64: 1073741824, -7, 5>, hidden_layers = array<i64: 1073741824, -8, 9>, gate_sums = array<i64: 1073741824, 0, 1073741824, -2, 1073741824, -19, 18>, forget_product = array<i64: -128, -18, 1073741824, -7, 9>, input_product = array<i64: -128, 3, 1073741824, -7, -4>, cell_sum = array<i64: 1073741824, -1, 1073741824, 0, 1073741824, -19, -18>, output_product = array<i64: -128, -15, 1073741824, -7, -12>, reverse = false} : (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16xi32>, tensor<16x4xi8>, tensor<16xi32>, tensor<5x256xi8>, tensor<32xi8>) -> (tensor<6x2x4xi8>, tensor<2x4xi8>)
  %2, %3 = cmopt.lstm %x from %h, %c weights %wx, %wh sums %bx, %bh tables %t scratch %u {input_layers = array<i64: 1073741824, -7, 5, 1073741824, -7, 5, 1073741824, -7, 5, 1073741824, -7, 5>, hidden_layers = array<i64: 1073741824, -8, 9, 1073741824, -8, 9, 1073741824, -8, 9, 1073741824, -8, 9>, gate_sums = array<i64: 1073741824, 0, 1073741824, -2, 1073741824, -19, 18, 1073741824, 0, 1073741824, -2, 1073741824, -19, 18, 1073741824, 0, 1073741824, -2, 1073741824, -19, 18, 1073741824, 0, 1073741824, -2, 1073741824, -19, 18>, forget_product = array<i64: -128, -18, 1073741824, -7, 9>, input_product = array<i64: -128, 3, 1073741824, -7, -4>, cell_sum = array<i64: 1073741824, -1, 1073741824, 0, 1073741824, -19, -18>, output_product = array<i64: -128, -15, 1073741824, -7, -12>, reverse = true} : (tensor<6x2x5xi8>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<16x5xi8>, tensor<16xi32>, tensor<16x4xi8>, tensor<16xi32>, tensor<5x256xi8>, tensor<20xi8>) -> (tensor<2x4xi8>, tensor<2x4xi8>)
  func.return
}

// A weight or bias may have one entry for all elements of a row.
// CHECK-LABEL: @norms
// CHECK: cmopt.layer_norm %{{.*}} weight %{{.*}} bias %{{.*}} {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>
// CHECK: cmopt.layer_norm {{.*}}row = 4 : i32, centered = false{{.*}} : (tensor<2x3x4xi16>, tensor<1xi32>, tensor<4xi32>) -> tensor<2x3x4xi8>
func.func @norms(%x: tensor<2x3x4xi8>, %y: tensor<2x3x4xi16>, %p: tensor<12xi32>, %one: tensor<1xi32>, %q: tensor<4xi32>) {
  %0 = cmopt.layer_norm %x weight %p bias %one {row = 12 : i32, centered = true, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi8>, tensor<12xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>
  %1 = cmopt.layer_norm %y weight %one bias %q {row = 4 : i32, centered = false, input_zero_point = 0 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -20 : i32, fraction_bits = 20 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3x4xi16>, tensor<1xi32>, tensor<4xi32>) -> tensor<2x3x4xi8>
  func.return
}
