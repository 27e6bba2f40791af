// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m,canonicalize)' | filecheck %s --check-prefixes=CHECK,MVE
// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m{target=cortex-m4},canonicalize)' | filecheck %s --check-prefixes=CHECK,DSP

!q = !quant.uniform<i8:f32, 0.5:-3>
!w = !quant.uniform<i8:f32:0, {0.5, 0.25}>
!b = !quant.uniform<i32:f32:0, {0.25, 0.125}>

// Rows of sums: 2 rows of 2 · 4 pixels of 2 channels in 32 bits. No filter is reversed.
// CHECK-LABEL: @rows_of_sums
// CHECK:         %b = arith.constant dense<[100, -100]> : tensor<2xi32>
// CHECK:         %scratch = cortex_m.scratch : tensor<128xi8>
// CHECK-NEXT:    %scratch_1 = cortex_m.scratch : tensor<0xi8>
// CHECK-NEXT:    cortex_m.quantized_transpose_conv2d %x, %w bias %b requantize %multipliers, %shifts scratch %scratch, %scratch_1 {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 3 : i32, output_offset = -3 : i32, activation_min = -3 : i32, activation_max = 127 : i32} : {{.*}} -> tensor<1x6x8x2xi8>
func.func @rows_of_sums(%x: tensor<1x3x4x4x!q>) -> tensor<1x6x8x2x!q> {
  %c = arith.constant dense<1> : tensor<2x2x2x4xi8>
  %w = quant.scast %c : tensor<2x2x2x4xi8> to tensor<2x2x2x4x!w>
  %d = arith.constant dense<[100, -100]> : tensor<2xi32>
  %b = quant.scast %d : tensor<2xi32> to tensor<2x!b>
  %0 = edge.conv_transpose2d %x, %w, %b {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, activation_min = 0.0 : f32, data_format = "NHWC"} : (tensor<1x3x4x4x!q>, tensor<2x2x2x4x!w>, tensor<2x!b>) -> tensor<1x6x8x2x!q>
  func.return %0 : tensor<1x6x8x2x!q>
}

// More than 16 channels: the filter is reversed, and the scratch is that of a convolution.
// CHECK-LABEL: @reversed
// MVE:           %scratch = cortex_m.scratch : tensor<320xi8>
// DSP:           %scratch = cortex_m.scratch : tensor<272xi8>
// CHECK-NEXT:    %scratch_1 = cortex_m.scratch : tensor<136xi8>
func.func @reversed(%x: tensor<1x3x4x17x!q>) -> tensor<1x6x8x2x!q> {
  %c = arith.constant dense<1> : tensor<2x2x2x17xi8>
  %w = quant.scast %c : tensor<2x2x2x17xi8> to tensor<2x2x2x17x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x3x4x17x!q>, tensor<2x2x2x17x!w>) -> tensor<1x6x8x2x!q>
  func.return %0 : tensor<1x6x8x2x!q>
}

// Padding 1 is no multiple of stride 2. A row of zeros before the filter makes it 2.
// CHECK-LABEL: @zeros_before
// CHECK:         %w = arith.constant dense<{{\[\[\[\[}}0], [0]], {{\[\[}}1], [1]], {{\[\[}}1], [1]], {{\[\[}}1], [1]]], {{.*}}> : tensor<2x4x2x1xi8>
// CHECK:         padding = array<i64: 2, 0>, {{.*}}output_padding = array<i64: 2, 0>
func.func @zeros_before(%x: tensor<1x3x4x1x!q>) -> tensor<1x6x8x2x!q> {
  %c = arith.constant dense<1> : tensor<2x3x2x1xi8>
  %w = quant.scast %c : tensor<2x3x2x1xi8> to tensor<2x3x2x1x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 1, 0>, output_padding = array<i64: 1, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x3x4x1x!q>, tensor<2x3x2x1x!w>) -> tensor<1x6x8x2x!q>
  func.return %0 : tensor<1x6x8x2x!q>
}

// Output padding without padding: a column of zeros behind the filter.
// CHECK-LABEL: @zeros_behind
// CHECK:         %w = arith.constant dense<{{\[\[\[\[}}1], [1], [0]], {{\[\[}}1], [1], [0]]], {{.*}}> : tensor<2x2x3x1xi8>
// CHECK:         padding = array<i64: 0, 0>, {{.*}}output_padding = array<i64: 0, 0>
func.func @zeros_behind(%x: tensor<1x3x4x1x!q>) -> tensor<1x6x9x2x!q> {
  %c = arith.constant dense<1> : tensor<2x2x2x1xi8>
  %w = quant.scast %c : tensor<2x2x2x1xi8> to tensor<2x2x2x1x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x3x4x1x!q>, tensor<2x2x2x1x!w>) -> tensor<1x6x9x2x!q>
  func.return %0 : tensor<1x6x9x2x!q>
}

// The kernel writes 6 rows where the op has 5.
// CHECK-LABEL: @row_cut_off
// CHECK:         %[[ROWS:.*]] = cortex_m.quantized_transpose_conv2d {{.*}}output_padding = array<i64: 1, 0>{{.*}} -> tensor<1x6x7x2xi8>
// CHECK-NEXT:    cortex_m.subview %[[ROWS]] {{.*}} -> tensor<1x5x7x2xi8>
func.func @row_cut_off(%x: tensor<1x3x4x1x!q>) -> tensor<1x5x7x2x!q> {
  %c = arith.constant dense<1> : tensor<2x1x1x1xi8>
  %w = quant.scast %c : tensor<2x1x1x1xi8> to tensor<2x1x1x1x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x3x4x1x!q>, tensor<2x1x1x1x!w>) -> tensor<1x5x7x2x!q>
  func.return %0 : tensor<1x5x7x2x!q>
}

// A dilation of one tap is none.
// CHECK-LABEL: @idle_dilation
// CHECK:         cortex_m.quantized_transpose_conv2d {{.*}}dilation = array<i64: 1, 1>
func.func @idle_dilation(%x: tensor<1x3x4x1x!q>) -> tensor<1x6x4x2x!q> {
  %c = arith.constant dense<1> : tensor<2x2x1x1xi8>
  %w = quant.scast %c : tensor<2x2x1x1xi8> to tensor<2x2x1x1x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 1>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 3>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x3x4x1x!q>, tensor<2x2x1x1x!w>) -> tensor<1x6x4x2x!q>
  func.return %0 : tensor<1x6x4x2x!q>
}
