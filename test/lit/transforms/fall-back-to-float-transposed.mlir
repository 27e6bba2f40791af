// RUN: cm-opt %s -p fall-back-to-float | filecheck %s

// Why CMSIS-NN's kernel is not for a transposed convolution. Most of these are split before.

!q = !quant.uniform<i8:f32, 0.5:-1>
!w = !quant.uniform<i8:f32, 0.5>

// The weight.
// CHECK-LABEL: func.func @not_constant
// CHECK:         edge.conv_transpose2d {{.*}}edge.reason = "the weight is not a constant"
func.func @not_constant(%x: tensor<1x2x3x3x!q>, %w: tensor<2x2x2x2x!w>) -> tensor<1x2x6x6x!q> {
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<2x2x2x2x!w>) -> tensor<1x2x6x6x!q>
  func.return %0 : tensor<1x2x6x6x!q>
}

// Two groups.
// CHECK-LABEL: func.func @groups
// CHECK:         edge.conv_transpose2d {{.*}}edge.reason = "the kernel of a transposed convolution has no groups"
func.func @groups(%x: tensor<1x2x3x3x!q>) -> tensor<1x2x6x6x!q> {
  %c = arith.constant dense<1> : tensor<2x1x2x2xi8>
  %w = quant.scast %c : tensor<2x1x2x2xi8> to tensor<2x1x2x2x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x2x3x3x!q>, tensor<2x1x2x2x!w>) -> tensor<1x2x6x6x!q>
  func.return %0 : tensor<1x2x6x6x!q>
}

// Two taps, 2 apart.
// CHECK-LABEL: func.func @dilation
// CHECK:         edge.conv_transpose2d {{.*}}edge.reason = "the kernel of a transposed convolution has no dilation"
func.func @dilation(%x: tensor<1x2x3x3x!q>) -> tensor<1x2x7x7x!q> {
  %c = arith.constant dense<1> : tensor<2x2x2x2xi8>
  %w = quant.scast %c : tensor<2x2x2x2xi8> to tensor<2x2x2x2x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 2, 2>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<2x2x2x2x!w>) -> tensor<1x2x7x7x!q>
  func.return %0 : tensor<1x2x7x7x!q>
}

// Rows beyond the output, which are those of the next item.
// CHECK-LABEL: func.func @overrun
// CHECK:         edge.conv_transpose2d {{.*}}edge.reason = "the kernel writes past its output where stride 2 + padding 0 exceeds kernel 1 + output_padding 0"
func.func @overrun(%x: tensor<2x2x3x3x!q>) -> tensor<2x2x5x5x!q> {
  %c = arith.constant dense<1> : tensor<2x2x1x1xi8>
  %w = quant.scast %c : tensor<2x2x1x1xi8> to tensor<2x2x1x1x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x2x3x3x!q>, tensor<2x2x1x1x!w>) -> tensor<2x2x5x5x!q>
  func.return %0 : tensor<2x2x5x5x!q>
}

// Two columns of padding for one tap: that is more than a few columns of zeros make up for.
// CHECK-LABEL: func.func @trimmed
// CHECK:         edge.conv_transpose2d {{.*}}edge.reason = "the kernel takes padding below its 1 taps, got 2"
func.func @trimmed(%x: tensor<1x17x3x4x!q>) -> tensor<1x2x6x3x!q> {
  %c = arith.constant dense<1> : tensor<17x2x2x1xi8>
  %w = quant.scast %c : tensor<17x2x2x1xi8> to tensor<17x2x2x1x!w>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 2>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x17x3x4x!q>, tensor<17x2x2x1x!w>) -> tensor<1x2x6x3x!q>
  func.return %0 : tensor<1x2x6x3x!q>
}
