// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m,canonicalize)' --split-input-file | filecheck %s --check-prefixes=CHECK,MVE
// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m{target=cortex-m4},canonicalize)' --split-input-file | filecheck %s --check-prefixes=CHECK,DSP

// Multiplier and shift per channel: 0.5 · 0.5 / 0.5 and 0.5 · 0.25 / 0.5. The bias is
// already in accumulator steps. Padding is (top, left); the rest follows from the output's size.
// CHECK-LABEL: @conv2d
// CHECK-NEXT:    %w = arith.constant dense<1> : tensor<2x3x3x4xi8>
// CHECK-NEXT:    %b = arith.constant dense<[100, -100]> : tensor<2xi32>
// CHECK-NEXT:    %multipliers = arith.constant dense<1073741824> : tensor<2xi32>
// CHECK-NEXT:    %shifts = arith.constant dense<[0, -1]> : tensor<2xi32>
// CHECK-NEXT:    %scratch = cortex_m.scratch : tensor<{{[0-9]+}}xi8>
// CHECK-NEXT:    %0 = cortex_m.quantized_conv2d %x, %w bias %b requantize %multipliers, %shifts scratch %scratch {stride = array<i64: 2, 2>, padding = array<i64: 0, 1>, dilation = array<i64: 1, 1>, input_offset = 3 : i32, output_offset = -5 : i32, activation_min = -5 : i32, activation_max = 7 : i32} : {{.*}} -> tensor<1x4x4x2xi8>
// CHECK-NEXT:    func.return %0
func.func @conv2d(%x: tensor<1x8x8x4x!quant.uniform<i8:f32, 0.5:-3>>) -> tensor<1x4x4x2x!quant.uniform<i8:f32, 0.5:-5>> {
  %cw = arith.constant dense<1> : tensor<2x3x3x4xi8>
  %cb = arith.constant dense<[100, -100]> : tensor<2xi32>
  %w = quant.scast %cw : tensor<2x3x3x4xi8> to tensor<2x3x3x4x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %b = quant.scast %cb : tensor<2xi32> to tensor<2x!quant.uniform<i32:f32:0, {0.25, 0.125}>>
  %2 = edge.conv2d %x, %w, %b {stride = array<i64: 2, 2>, padding = array<i64: 0, 1, 1, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, activation_min = 0.0 : f32, activation_max = 6.0 : f32, data_format = "NHWC"} : (tensor<1x8x8x4x!quant.uniform<i8:f32, 0.5:-3>>, tensor<2x3x3x4x!quant.uniform<i8:f32:0, {0.5, 0.25}>>, tensor<2x!quant.uniform<i32:f32:0, {0.25, 0.125}>>) -> tensor<1x4x4x2x!quant.uniform<i8:f32, 0.5:-5>>
  func.return %2 : tensor<1x4x4x2x!quant.uniform<i8:f32, 0.5:-5>>
}

// -----

// One multiplier is repeated for every channel. A bias at another scale is requantized to the
// accumulator's (0.25): 3 · 0.125 is 1.5 steps, rounded to even.
// CHECK-LABEL: @per_tensor
// CHECK:         %b = arith.constant dense<[2, -4]> : tensor<2xi32>
// CHECK-NEXT:    %multipliers = arith.constant dense<1073741824> : tensor<2xi32>
// CHECK-NEXT:    %shifts = arith.constant dense<0> : tensor<2xi32>
func.func @per_tensor(%x: tensor<1x8x8x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x8x8x2x!quant.uniform<i8:f32, 0.5>> {
  %cw = arith.constant dense<1> : tensor<2x1x1x4xi8>
  %cb = arith.constant dense<[3, -8]> : tensor<2xi32>
  %w = quant.scast %cw : tensor<2x1x1x4xi8> to tensor<2x1x1x4x!quant.uniform<i8:f32, 0.5>>
  %b = quant.scast %cb : tensor<2xi32> to tensor<2x!quant.uniform<i32:f32, 0.125>>
  %2 = edge.conv2d %x, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x8x8x4x!quant.uniform<i8:f32, 0.5>>, tensor<2x1x1x4x!quant.uniform<i8:f32, 0.5>>, tensor<2x!quant.uniform<i32:f32, 0.125>>) -> tensor<1x8x8x2x!quant.uniform<i8:f32, 0.5>>
  func.return %2 : tensor<1x8x8x2x!quant.uniform<i8:f32, 0.5>>
}

// -----

// One input channel per group, two output channels each: depthwise, with the weight transposed.
// CHECK-LABEL: @depthwise
// CHECK-NEXT:    %w = arith.constant dense<{{\[\[\[\[}}1, 3, 5, 7]], {{\[\[}}2, 4, 6, 8]]]]> : tensor<1x2x1x4xi8>
// CHECK:         cortex_m.quantized_depthwise_conv2d %x, %w requantize {{.*}}depth_multiplier = 2 : i32
func.func @depthwise(%x: tensor<1x4x4x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x3x4x4x!quant.uniform<i8:f32, 0.5>> {
  %cw = arith.constant dense<[[[[1]],[[2]]],[[[3]],[[4]]],[[[5]],[[6]]],[[[7]],[[8]]]]> : tensor<4x2x1x1xi8>
  %w = quant.scast %cw : tensor<4x2x1x1xi8> to tensor<4x2x1x1x!quant.uniform<i8:f32, 0.5>>
  %1 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64, data_format = "NHWC"} : (tensor<1x4x4x2x!quant.uniform<i8:f32, 0.5>>, tensor<4x2x1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x3x4x4x!quant.uniform<i8:f32, 0.5>>
  func.return %1 : tensor<1x3x4x4x!quant.uniform<i8:f32, 0.5>>
}

// -----

// The depthwise kernel takes batch 1 only: a grouped convolution, which needs a bias.
// CHECK-LABEL: @depthwise_batch
// CHECK:         %0 = arith.constant dense<0> : tensor<2xi32>
// CHECK:         cortex_m.quantized_conv2d %x, %w bias %0 requantize
func.func @depthwise_batch(%x: tensor<3x4x4x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x3x3x2x!quant.uniform<i8:f32, 0.5>> {
  %cw = arith.constant dense<1> : tensor<2x2x2x1xi8>
  %w = quant.scast %cw : tensor<2x2x2x1xi8> to tensor<2x2x2x1x!quant.uniform<i8:f32, 0.5>>
  %1 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64, data_format = "NHWC"} : (tensor<3x4x4x2x!quant.uniform<i8:f32, 0.5>>, tensor<2x2x2x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x3x3x2x!quant.uniform<i8:f32, 0.5>>
  func.return %1 : tensor<3x3x3x2x!quant.uniform<i8:f32, 0.5>>
}

// -----

// MVE reads a kernel sum, input_offset · Σw + bias; DSP and scalar read the bias.
// CHECK-LABEL: @linear
// MVE:           %kernel_sum = arith.constant dense<[118, 145]> : tensor<2xi32>
// MVE:           cortex_m.quantized_linear %x, %w kernel_sum %kernel_sum : tensor<2xi32>
// DSP:           %b = arith.constant dense<100> : tensor<2xi32>
// DSP:           cortex_m.quantized_linear %x, %w bias %b : tensor<2xi32>
// CHECK-SAME:    {input_offset = 3 : i32, filter_offset = 0 : i32, output_offset = -5 : i32, requantize_multipliers = array<i64: 1073741824>, requantize_shifts = array<i64: -1>, activation_max = 127 : i32, activation_min = -5 : i32} : (tensor<4x3xi8>, tensor<2x3xi8>) -> tensor<4x2xi8>
func.func @linear(%x: tensor<4x3x!quant.uniform<i8:f32, 0.5:-3>>) -> tensor<4x2x!quant.uniform<i8:f32, 0.5:-5>> {
  %cw = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %cb = arith.constant dense<100> : tensor<2xi32>
  %w = quant.scast %cw : tensor<2x3xi8> to tensor<2x3x!quant.uniform<i8:f32, 0.25>>
  %b = quant.scast %cb : tensor<2xi32> to tensor<2x!quant.uniform<i32:f32, 0.125>>
  %2 = edge.linear %x, %w, %b {activation_min = 0.0 : f32} : (tensor<4x3x!quant.uniform<i8:f32, 0.5:-3>>, tensor<2x3x!quant.uniform<i8:f32, 0.25>>, tensor<2x!quant.uniform<i32:f32, 0.125>>) -> tensor<4x2x!quant.uniform<i8:f32, 0.5:-5>>
  func.return %2 : tensor<4x2x!quant.uniform<i8:f32, 0.5:-5>>
}

// -----

// The linear kernel has one multiplier. With scales per channel it is a 1×1 convolution over the rows.
// CHECK-LABEL: @linear_per_channel
// CHECK-NEXT:    %0 = cortex_m.view %x : (tensor<5x4x3xi8>) -> tensor<20x1x1x3xi8>
// CHECK-NEXT:    %w = arith.constant dense<1> : tensor<2x1x1x3xi8>
// CHECK:         cortex_m.quantized_conv2d %0, %w requantize {{.*}} -> tensor<20x1x1x2xi8>
// CHECK-NEXT:    cortex_m.view %{{.*}} : (tensor<20x1x1x2xi8>) -> tensor<5x4x2xi8>
func.func @linear_per_channel(%x: tensor<5x4x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<5x4x2x!quant.uniform<i8:f32, 0.5>> {
  %cw = arith.constant dense<1> : tensor<2x3xi8>
  %w = quant.scast %cw : tensor<2x3xi8> to tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %1 = edge.linear %x, %w : (tensor<5x4x3x!quant.uniform<i8:f32, 0.5>>, tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<5x4x2x!quant.uniform<i8:f32, 0.5>>
  func.return %1 : tensor<5x4x2x!quant.uniform<i8:f32, 0.5>>
}

// -----

// Equal scales are one multiplier, and so is that of a single channel.
// CHECK-LABEL: @linear_of_equal_channels
// CHECK:         cortex_m.quantized_linear %x, %w {{.*}}requantize_multipliers = array<i64: 1073741824>, requantize_shifts = array<i64: -1>
func.func @linear_of_equal_channels(%x: tensor<5x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<5x2x!quant.uniform<i8:f32, 0.5>> {
  %cw = arith.constant dense<1> : tensor<2x3xi8>
  %w = quant.scast %cw : tensor<2x3xi8> to tensor<2x3x!quant.uniform<i8:f32:0, {0.25, 0.25}>>
  %1 = edge.linear %x, %w : (tensor<5x3x!quant.uniform<i8:f32, 0.5>>, tensor<2x3x!quant.uniform<i8:f32:0, {0.25, 0.25}>>) -> tensor<5x2x!quant.uniform<i8:f32, 0.5>>
  func.return %1 : tensor<5x2x!quant.uniform<i8:f32, 0.5>>
}

// -----

// A window may lie wholly in the padding, so the input is padded before the call.
// CHECK-LABEL: @wide_padding
// CHECK:         %[[PADDED:.*]] = cortex_m.pad %x {pre_pad = array<i64: 0, 1, 1, 0>, post_pad = array<i64: 0, 1, 2, 0>, pad_value = -3 : i32} : (tensor<1x4x4x2xi8>) -> tensor<1x6x7x2xi8>
// CHECK:         cortex_m.quantized_conv2d %[[PADDED]], {{.*}}padding = array<i64: 0, 0>
func.func @wide_padding(%x: tensor<1x4x4x2x!quant.uniform<i8:f32, 0.5:-3>>) -> tensor<1x6x7x2x!quant.uniform<i8:f32, 0.5>> {
  %c = arith.constant dense<1> : tensor<2x1x1x2xi8>
  %w = quant.scast %c : tensor<2x1x1x2xi8> to tensor<2x1x1x2x!quant.uniform<i8:f32, 0.5>>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 2>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x4x4x2x!quant.uniform<i8:f32, 0.5:-3>>, tensor<2x1x1x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x6x7x2x!quant.uniform<i8:f32, 0.5>>
  func.return %0 : tensor<1x6x7x2x!quant.uniform<i8:f32, 0.5>>
}
