// RUN: cm-opt %s -p 'split-transposed-convolutions{target="cortex-m55"}' | filecheck %s --check-prefixes=CHECK,MVE
// RUN: cm-opt %s -p 'split-transposed-convolutions{target="cortex-m4"}' | filecheck %s --check-prefixes=CHECK,DSP

// The kernel for transposed convolutions takes one call; `is_better_in_one_call` decides.

!q = !quant.uniform<i8:f32, 0.5:-1>
!w = !quant.uniform<i8:f32, 0.5>

// It needs no more memory than the convolution and its move.
// CHECK-LABEL: func.func @left
// MVE:         edge.conv_transpose2d
// DSP:         edge.conv_transpose2d
func.func @left(%x: tensor<1x8x8x8x!q>) -> tensor<1x4x16x16x!q> {
  %c = arith.constant dense<1> : tensor<8x4x2x2xi8>
  %w = quant.scast %c : tensor<8x4x2x2xi8> to tensor<8x4x2x2x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x8x8x8x!q>, tensor<8x4x2x2x!w>) -> tensor<1x4x16x16x!q>
  func.return %0 : tensor<1x4x16x16x!q>
}

// The kernel miscounts rows unless the padding is a multiple of the stride: zero taps help.
// CHECK-LABEL: func.func @right_with_zeros
// MVE:         edge.conv_transpose2d
// DSP:         edge.conv_transpose2d
func.func @right_with_zeros(%x: tensor<1x4x16x16x!q>) -> tensor<1x4x32x32x!q> {
  %c = arith.constant dense<1> : tensor<4x4x4x4xi8>
  %w = quant.scast %c : tensor<4x4x4x4xi8> to tensor<4x4x4x4x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x16x16x!q>, tensor<4x4x4x4x!w>) -> tensor<1x4x32x32x!q>
  func.return %0 : tensor<1x4x32x32x!q>
}

// The convolution moves nothing after it, and is faster.
// CHECK-LABEL: func.func @free_interleaving
// MVE:         edge.conv2d
// DSP:         edge.conv2d
func.func @free_interleaving(%x: tensor<1x8x5x8x!q>) -> tensor<1x4x5x16x!q> {
  %c = arith.constant dense<1> : tensor<8x4x1x2xi8>
  %w = quant.scast %c : tensor<8x4x1x2xi8> to tensor<8x4x1x2x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 1, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x8x5x8x!q>, tensor<8x4x1x2x!w>) -> tensor<1x4x5x16x!q>
  func.return %0 : tensor<1x4x5x16x!q>
}

// The kernel multiplies zeros and copies its filter: 4 · 3 · 24 · 24 bytes.
// CHECK-LABEL: func.func @large_and_slow
// MVE:         edge.conv2d
// DSP:         edge.conv2d
func.func @large_and_slow(%x: tensor<1x24x4x4x!q>) -> tensor<1x24x8x8x!q> {
  %c = arith.constant dense<1> : tensor<24x24x2x2xi8>
  %w = quant.scast %c : tensor<24x24x2x2xi8> to tensor<24x24x2x2x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x24x4x4x!q>, tensor<24x24x2x2x!w>) -> tensor<1x24x8x8x!q>
  func.return %0 : tensor<1x24x8x8x!q>
}

// The sums of 5 rows of 32 bits are more than the convolution takes. It is slow on MVE only.
// CHECK-LABEL: func.func @large
// MVE:         edge.conv2d
// DSP:         edge.conv_transpose2d
func.func @large(%x: tensor<1x8x2x4x!q>) -> tensor<1x16x7x9x!q> {
  %c = arith.constant dense<1> : tensor<8x16x5x3xi8>
  %w = quant.scast %c : tensor<8x16x5x3xi8> to tensor<8x16x5x3x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x8x2x4x!q>, tensor<8x16x5x3x!w>) -> tensor<1x16x7x9x!q>
  func.return %0 : tensor<1x16x7x9x!q>
}

// The filter would get 7 rows of zeros.
// CHECK-LABEL: func.func @mostly_zeros
// MVE:         edge.conv2d
// DSP:         edge.conv2d
func.func @mostly_zeros(%x: tensor<1x2x3x3x!q>) -> tensor<1x2x18x6x!q> {
  %c = arith.constant dense<1> : tensor<2x2x4x2xi8>
  %w = quant.scast %c : tensor<2x2x4x2xi8> to tensor<2x2x4x2x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 8, 2>, padding = array<i64: 1, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<2x2x4x2x!w>) -> tensor<1x2x18x6x!q>
  func.return %0 : tensor<1x2x18x6x!q>
}

// The kernel has no groups.
// CHECK-LABEL: func.func @groups
// MVE:         edge.conv2d
// DSP:         edge.conv2d
func.func @groups(%x: tensor<1x4x4x4x!q>) -> tensor<1x4x8x8x!q> {
  %c = arith.constant dense<1> : tensor<4x2x2x2xi8>
  %w = quant.scast %c : tensor<4x2x2x2xi8> to tensor<4x2x2x2x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x4x4x!q>, tensor<4x2x2x2x!w>) -> tensor<1x4x8x8x!q>
  func.return %0 : tensor<1x4x8x8x!q>
}

// It would write past its output, and a batch of two has rows behind it.
// CHECK-LABEL: func.func @overrun
// MVE:         edge.conv2d
// DSP:         edge.conv2d
func.func @overrun(%x: tensor<2x2x3x3x!q>) -> tensor<2x2x5x6x!q> {
  %c = arith.constant dense<1> : tensor<2x2x1x2xi8>
  %w = quant.scast %c : tensor<2x2x1x2xi8> to tensor<2x2x1x2x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x2x3x3x!q>, tensor<2x2x1x2x!w>) -> tensor<2x2x5x6x!q>
  func.return %0 : tensor<2x2x5x6x!q>
}
