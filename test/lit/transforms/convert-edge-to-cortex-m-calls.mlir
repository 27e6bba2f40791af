// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m,canonicalize)' | filecheck %s --check-prefixes=CHECK,MVE
// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m{target=cortex-m4},canonicalize)' | filecheck %s --check-prefixes=CHECK,DSP

!q = !quant.uniform<i8:f32, 0.5>

// On MVE a row has its own function, with a third of the scratch.
// CHECK-LABEL: @row
// MVE-NEXT:      %w = arith.constant
// MVE:           cortex_m.scratch : tensor<16xi8>
// DSP:           cortex_m.scratch : tensor<48xi8>
// CHECK-NEXT:    cortex_m.quantized_conv2d %x, %w {{.*}}stride = array<i64: 1, 2>, padding = array<i64: 0, 1>, {{.*}} -> tensor<1x1x5x2xi8>
func.func @row(%x: tensor<1x1x9x4x!q>) -> tensor<1x1x5x2x!q> {
  %c = arith.constant dense<1> : tensor<2x1x3x4xi8>
  %w = quant.scast %c : tensor<2x1x3x4xi8> to tensor<2x1x3x4x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 2>, padding = array<i64: 0, 0, 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x1x9x4x!q>, tensor<2x1x3x4x!q>) -> tensor<1x1x5x2x!q>
  func.return %y : tensor<1x1x5x2x!q>
}

// That function is wrong if the last stride leaves inputs unread: the row becomes a column.
// CHECK-LABEL: @row_with_a_rest
// CHECK-NEXT:    %[[X:.*]] = cortex_m.view %x : (tensor<1x1x10x4xi8>) -> tensor<1x10x1x4xi8>
// CHECK-NEXT:    %w = arith.constant dense<1> : tensor<2x3x1x4xi8>
// CHECK:         cortex_m.quantized_conv2d %[[X]], %w {{.*}}stride = array<i64: 2, 1>, padding = array<i64: 1, 0>, dilation = array<i64: 1, 1>{{.*}} -> tensor<1x5x1x2xi8>
// CHECK-NEXT:    cortex_m.view %{{.*}} : (tensor<1x5x1x2xi8>) -> tensor<1x1x5x2xi8>
func.func @row_with_a_rest(%x: tensor<1x1x10x4x!q>) -> tensor<1x1x5x2x!q> {
  %c = arith.constant dense<1> : tensor<2x1x3x4xi8>
  %w = quant.scast %c : tensor<2x1x3x4xi8> to tensor<2x1x3x4x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 2>, padding = array<i64: 0, 0, 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x1x10x4x!q>, tensor<2x1x3x4x!q>) -> tensor<1x1x5x2x!q>
  func.return %y : tensor<1x1x5x2x!q>
}

// It is also wrong if several outputs reach the right padding (two taps of padding, stride 2).
// CHECK-LABEL: @row_with_an_early_last_run
// CHECK:         cortex_m.quantized_conv2d %{{.*}} : (tensor<1x11x1x4xi8>, tensor<2x5x1x4xi8>
func.func @row_with_an_early_last_run(%x: tensor<1x1x11x4x!q>) -> tensor<1x1x6x2x!q> {
  %c = arith.constant dense<1> : tensor<2x1x5x4xi8>
  %w = quant.scast %c : tensor<2x1x5x4xi8> to tensor<2x1x5x4x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 2>, padding = array<i64: 0, 0, 2, 2>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x1x11x4x!q>, tensor<2x1x5x4x!q>) -> tensor<1x1x6x2x!q>
  func.return %y : tensor<1x1x6x2x!q>
}

// A dilated row runs in the ordinary function. The scratch is equal, but a step in width is cheaper.
// CHECK-LABEL: @dilated_row
// CHECK:         cortex_m.quantized_conv2d %x, %w {{.*}}dilation = array<i64: 1, 2>{{.*}} : (tensor<1x1x9x4xi8>
func.func @dilated_row(%x: tensor<1x1x9x4x!q>) -> tensor<1x1x9x2x!q> {
  %c = arith.constant dense<1> : tensor<2x1x3x4xi8>
  %w = quant.scast %c : tensor<2x1x3x4xi8> to tensor<2x1x3x4x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 2, 2>, dilation = array<i64: 1, 2>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x1x9x4x!q>, tensor<2x1x3x4x!q>) -> tensor<1x1x9x2x!q>
  func.return %y : tensor<1x1x9x2x!q>
}

// So a column becomes a row.
// CHECK-LABEL: @depthwise_column
// CHECK:         cortex_m.quantized_depthwise_conv2d %{{.*}} : (tensor<1x1x9x4xi8>, tensor<1x1x3x4xi8>
func.func @depthwise_column(%x: tensor<1x9x1x4x!q>) -> tensor<1x9x1x4x!q> {
  %c = arith.constant dense<1> : tensor<4x3x1x1xi8>
  %w = quant.scast %c : tensor<4x3x1x1xi8> to tensor<4x3x1x1x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 1, 1, 0, 0>, dilation = array<i64: 1, 1>, groups = 4 : i64, data_format = "NHWC"} : (tensor<1x9x1x4x!q>, tensor<4x3x1x1x!q>) -> tensor<1x9x1x4x!q>
  func.return %y : tensor<1x9x1x4x!q>
}

// One channel is both depthwise and ordinary. On MVE, depthwise copies the weight to its scratch; elsewhere it has no scratch.
// CHECK-LABEL: @one_channel
// MVE:           cortex_m.scratch : tensor<64xi8>
// MVE-NEXT:      cortex_m.quantized_conv2d
// DSP:           cortex_m.scratch : tensor<0xi8>
// DSP-NEXT:      cortex_m.quantized_depthwise_conv2d
func.func @one_channel(%x: tensor<1x8x8x1x!q>) -> tensor<1x6x6x4x!q> {
  %c = arith.constant dense<1> : tensor<4x3x3x1xi8>
  %w = quant.scast %c : tensor<4x3x3x1xi8> to tensor<4x3x3x1x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x8x8x1x!q>, tensor<4x3x3x1x!q>) -> tensor<1x6x6x4x!q>
  func.return %y : tensor<1x6x6x4x!q>
}

// The ordinary function computes groups and offsets the bias for each, so it needs a bias.
// CHECK-LABEL: @grouped
// CHECK:         %[[B:.*]] = arith.constant dense<0> : tensor<4xi32>
// CHECK:         cortex_m.quantized_conv2d %x, %w bias %[[B]]
func.func @grouped(%x: tensor<2x4x4x4x!q>) -> tensor<2x2x2x4x!q> {
  %c = arith.constant dense<1> : tensor<4x3x3x2xi8>
  %w = quant.scast %c : tensor<4x3x3x2xi8> to tensor<4x3x3x2x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64, data_format = "NHWC"} : (tensor<2x4x4x4x!q>, tensor<4x3x3x2x!q>) -> tensor<2x2x2x4x!q>
  func.return %y : tensor<2x2x2x4x!q>
}

// On MVE the depthwise function offsets the bias for every 124 channels.
// CHECK-LABEL: @many_channels
// CHECK:         cortex_m.quantized_depthwise_conv2d %x, %w bias %{{.*}} requantize
func.func @many_channels(%x: tensor<1x4x4x125x!q>) -> tensor<1x3x3x125x!q> {
  %c = arith.constant dense<1> : tensor<125x2x2x1xi8>
  %w = quant.scast %c : tensor<125x2x2x1xi8> to tensor<125x2x2x1x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 125 : i64, data_format = "NHWC"} : (tensor<1x4x4x125x!q>, tensor<125x2x2x1x!q>) -> tensor<1x3x3x125x!q>
  func.return %y : tensor<1x3x3x125x!q>
}

// A dilation of one tap is dropped, because the fast functions take none.
// CHECK-LABEL: @idle_dilation
// CHECK:         cortex_m.quantized_conv2d %x, %w {{.*}}dilation = array<i64: 1, 1>
func.func @idle_dilation(%x: tensor<1x4x4x4x!q>) -> tensor<1x4x4x2x!q> {
  %c = arith.constant dense<1> : tensor<2x1x1x4xi8>
  %w = quant.scast %c : tensor<2x1x1x4xi8> to tensor<2x1x1x4x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 3, 2>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x4x4x4x!q>, tensor<2x1x1x4x!q>) -> tensor<1x4x4x2x!q>
  func.return %y : tensor<1x4x4x2x!q>
}

// Depthwise functions count positions in 16 signed bits, the ordinary one in 16 unsigned bits.
// CHECK-LABEL: @long_depthwise
// CHECK:         cortex_m.quantized_conv2d %x, %w bias
func.func @long_depthwise(%x: tensor<1x1x40000x2x!q>) -> tensor<1x1x39998x2x!q> {
  %c = arith.constant dense<1> : tensor<2x1x3x1xi8>
  %w = quant.scast %c : tensor<2x1x3x1xi8> to tensor<2x1x3x1x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64, data_format = "NHWC"} : (tensor<1x1x40000x2x!q>, tensor<2x1x3x1x!q>) -> tensor<1x1x39998x2x!q>
  func.return %y : tensor<1x1x39998x2x!q>
}
