// RUN: ROUNDTRIP

// CHECK-LABEL: @border
// CHECK-NEXT:    %0 = cortex_m.quantize_per_tensor %x {scale = 1.000000e-01 : f64, zero_point = -3 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xf32>) -> tensor<4xi8>
// CHECK-NEXT:    %1 = cortex_m.dequantize_per_tensor %y {scale = 1.000000e-01 : f64, zero_point = 0 : i32, quant_min = -32768 : i32, quant_max = 32767 : i32} : (tensor<4xi16>) -> tensor<4xf32>
func.func @border(%x: tensor<4xf32>, %y: tensor<4xi16>) {
  %0 = cortex_m.quantize_per_tensor %x {scale = 0.1 : f64, zero_point = -3 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xf32>) -> tensor<4xi8>
  %1 = cortex_m.dequantize_per_tensor %y {scale = 0.1 : f64, zero_point = 0 : i32, quant_min = -32768 : i32, quant_max = 32767 : i32} : (tensor<4xi16>) -> tensor<4xf32>
  func.return
}

// CHECK-LABEL: @elementwise
// CHECK-NEXT:    cortex_m.quantized_add %x, %y {self_zero_point = 1 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_zero_point = 2 : i32, other_multiplier = 1073741824 : i32, other_shift = -31 : i32, output_zero_point = 3 : i32, output_multiplier = 1073741824 : i32, output_shift = -18 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
// CHECK-NEXT:    cortex_m.quantized_mul %x, %y {self_zero_point = 1 : i32, other_zero_point = 2 : i32, output_zero_point = 3 : i32, output_multiplier = 1073741824 : i32, output_shift = 31 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
// CHECK-NEXT:    cortex_m.quantized_div %x, %y {self_zero_point = 1 : i32, other_zero_point = 2 : i32, output_zero_point = 3 : i32, output_scale = 1.000000e-01 : f64} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
// CHECK-NEXT:    cortex_m.minimum %x, %y : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
// CHECK-NEXT:    cortex_m.maximum %x, %y : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
// CHECK-NEXT:    cortex_m.quantized_activation %x lut %lut : (tensor<4xi8>, tensor<256xi8>) -> tensor<4xi8>
func.func @elementwise(%x: tensor<4xi8>, %y: tensor<4xi8>, %lut: tensor<256xi8>) {
  %0 = cortex_m.quantized_add %x, %y {self_zero_point = 1 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_zero_point = 2 : i32, other_multiplier = 1073741824 : i32, other_shift = -31 : i32, output_zero_point = 3 : i32, output_multiplier = 1073741824 : i32, output_shift = -18 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  %1 = cortex_m.quantized_mul %x, %y {self_zero_point = 1 : i32, other_zero_point = 2 : i32, output_zero_point = 3 : i32, output_multiplier = 1073741824 : i32, output_shift = 31 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  %2 = cortex_m.quantized_div %x, %y {self_zero_point = 1 : i32, other_zero_point = 2 : i32, output_zero_point = 3 : i32, output_scale = 0.1 : f64} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  %3 = cortex_m.minimum %x, %y : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  %4 = cortex_m.maximum %x, %y : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  %5 = cortex_m.quantized_activation %x lut %lut : (tensor<4xi8>, tensor<256xi8>) -> tensor<4xi8>
  func.return
}

// CHECK-LABEL: @convolution
// CHECK-NEXT:    cortex_m.quantized_conv2d %x, %w bias %b requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 128 : i32, output_offset = -128 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x4xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x4x4x6xi8>
// CHECK-NEXT:    cortex_m.quantized_conv2d %x, %v requantize %m, %s scratch %t {{{.*}}} : (tensor<1x4x4x8xi8>, tensor<6x1x1x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>
// CHECK-NEXT:    cortex_m.quantized_depthwise_conv2d %y, %d bias %b requantize %m, %s scratch %t {{{.*}}depth_multiplier = 2 : i32{{.*}}} : (tensor<1x4x4x3xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>
// CHECK-NEXT:    cortex_m.quantized_transpose_conv2d %x, %u requantize %m, %s scratch %t, %t {{{.*}}output_padding = array<i64: 1, 0>{{.*}}} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x6x7x6xi8>
func.func @convolution(%x: tensor<1x4x4x8xi8>, %y: tensor<1x4x4x3xi8>, %w: tensor<6x3x3x4xi8>, %v: tensor<6x1x1x8xi8>, %d: tensor<1x3x3x6xi8>, %u: tensor<6x3x3x8xi8>, %b: tensor<6xi32>, %m: tensor<6xi32>, %s: tensor<6xi32>, %t: tensor<16xi8>) {
  %0 = cortex_m.quantized_conv2d %x, %w bias %b requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 128 : i32, output_offset = -128 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x4xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x4x4x6xi8>
  %1 = cortex_m.quantized_conv2d %x, %v requantize %m, %s scratch %t {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = 0 : i32, activation_max = 0 : i32} : (tensor<1x4x4x8xi8>, tensor<6x1x1x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>
  %2 = cortex_m.quantized_depthwise_conv2d %y, %d bias %b requantize %m, %s scratch %t {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, depth_multiplier = 2 : i32, input_offset = -127 : i32, output_offset = 127 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x3xi8>, tensor<1x3x3x6xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>) -> tensor<1x2x2x6xi8>
  %3 = cortex_m.quantized_transpose_conv2d %x, %u requantize %m, %s scratch %t, %t {stride = array<i64: 2, 2>, padding = array<i64: 2, 1>, output_padding = array<i64: 1, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>, tensor<6x3x3x8xi8>, tensor<6xi32>, tensor<6xi32>, tensor<16xi8>, tensor<16xi8>) -> tensor<1x6x7x6xi8>
  func.return
}

// CHECK-LABEL: @pool
// CHECK-NEXT:    cortex_m.quantized_avg_pool2d %x scratch %t {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x4x4x8xi8>, tensor<16xi8>) -> tensor<1x2x2x8xi8>
// CHECK-NEXT:    cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 3 : i32, output_zero_point = 3 : i32, activation_min = 3 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>
func.func @pool(%x: tensor<1x4x4x8xi8>, %t: tensor<16xi8>) {
  %0 = cortex_m.quantized_avg_pool2d %x scratch %t {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x4x4x8xi8>, tensor<16xi8>) -> tensor<1x2x2x8xi8>
  %1 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 3 : i32, output_zero_point = 3 : i32, activation_min = 3 : i32, activation_max = 127 : i32} : (tensor<1x4x4x8xi8>) -> tensor<1x2x2x8xi8>
  func.return
}

// A linear op has a bias, a kernel sum, or neither.
// CHECK-LABEL: @matrix
// CHECK-NEXT:    cortex_m.quantized_linear %x, %w bias %b : tensor<2xi32> {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1073741824>, requantize_shifts = array<i64: -5>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>
// CHECK-NEXT:    cortex_m.quantized_linear %x, %w kernel_sum %b : tensor<2xi32> {{{.*}}} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>
// CHECK-NEXT:    cortex_m.quantized_linear %x, %w {{{.*}}} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>
// CHECK-NEXT:    cortex_m.quantized_batch_matmul %l, %r scratch %t {lhs_zero_point = 1 : i32, rhs_zero_point = 2 : i32, output_zero_point = 3 : i32, output_multiplier = 1073741824 : i32, output_shift = -5 : i32} : (tensor<5x3x8xi8>, tensor<5x2x8xi8>, tensor<16xi8>) -> tensor<5x3x2xi8>
// CHECK-NEXT:    cortex_m.softmax %x {dim = 1 : i32, input_zero_point = 4 : i32, output_zero_point = -128 : i32, input_multiplier = 1073741824 : i32, input_shift = 20 : i32, diff_min = -100 : i32} : (tensor<3x8xi8>) -> tensor<3x8xi8>
func.func @matrix(%x: tensor<3x8xi8>, %w: tensor<2x8xi8>, %b: tensor<2xi32>, %l: tensor<5x3x8xi8>, %r: tensor<5x2x8xi8>, %t: tensor<16xi8>) {
  %0 = cortex_m.quantized_linear %x, %w bias %b : tensor<2xi32> {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1073741824>, requantize_shifts = array<i64: -5>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>
  %1 = cortex_m.quantized_linear %x, %w kernel_sum %b : tensor<2xi32> {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1073741824>, requantize_shifts = array<i64: -5>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>
  %2 = cortex_m.quantized_linear %x, %w {input_offset = 0 : i32, filter_offset = 0 : i32, output_offset = 0 : i32, requantize_multipliers = array<i64: 1073741824>, requantize_shifts = array<i64: -5>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<3x8xi8>, tensor<2x8xi8>) -> tensor<3x2xi8>
  %3 = cortex_m.quantized_batch_matmul %l, %r scratch %t {lhs_zero_point = 1 : i32, rhs_zero_point = 2 : i32, output_zero_point = 3 : i32, output_multiplier = 1073741824 : i32, output_shift = -5 : i32} : (tensor<5x3x8xi8>, tensor<5x2x8xi8>, tensor<16xi8>) -> tensor<5x3x2xi8>
  %4 = cortex_m.softmax %x {dim = 1 : i32, input_zero_point = 4 : i32, output_zero_point = -128 : i32, input_multiplier = 1073741824 : i32, input_shift = 20 : i32, diff_min = -100 : i32} : (tensor<3x8xi8>) -> tensor<3x8xi8>
  func.return
}

// Padding is right-aligned to the dimensions.
// CHECK-LABEL: @movement
// CHECK-NEXT:    cortex_m.transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xi8>) -> tensor<4x2x3xi8>
// CHECK-NEXT:    cortex_m.pad %x {pre_pad = array<i64: 0, 0, 1, 2>, post_pad = array<i64: 0, 3, 0, 0>, pad_value = -128 : i32} : (tensor<2x3x4xi8>) -> tensor<5x4x6xi8>
// CHECK-NEXT:    cortex_m.scratch : tensor<32xi8>
// CHECK-NEXT:    cortex_m.view %x : (tensor<2x3x4xi8>) -> tensor<24xi8>
func.func @movement(%x: tensor<2x3x4xi8>) {
  %0 = cortex_m.transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xi8>) -> tensor<4x2x3xi8>
  %1 = cortex_m.pad %x {pre_pad = array<i64: 0, 0, 1, 2>, post_pad = array<i64: 0, 3, 0, 0>, pad_value = -128 : i32} : (tensor<2x3x4xi8>) -> tensor<5x4x6xi8>
  %2 = cortex_m.scratch : tensor<32xi8>
  %3 = cortex_m.view %x : (tensor<2x3x4xi8>) -> tensor<24xi8>
  func.return
}

// A planned value has a place.
// CHECK-LABEL: @places
// CHECK-NEXT:    cortex_m.view %x : (tensor<2x3xi8, #cortex_m.place<arena, 1024>>) -> tensor<6xi8, #cortex_m.place<arena, 1024>>
func.func @places(%x: tensor<2x3xi8, #cortex_m.place<arena, 1024>>) {
  %0 = cortex_m.view %x : (tensor<2x3xi8, #cortex_m.place<arena, 1024>>) -> tensor<6xi8, #cortex_m.place<arena, 1024>>
  func.return
}
