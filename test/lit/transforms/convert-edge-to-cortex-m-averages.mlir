// RUN: cm-opt %s -p convert-edge-to-cortex-m,canonicalize,cse,dce --mlir-elide-elementsattrs-if-larger=16 | filecheck %s
// RUN: cm-opt %s -p 'convert-edge-to-cortex-m{target="cortex-m7"},canonicalize,cse,dce' --mlir-elide-elementsattrs-if-larger=16 | filecheck %s --check-prefix=DSP

!q = !quant.uniform<i8:f32, 0.5:3>
!r = !quant.uniform<i8:f32, 0.25>

// A pool keeps its type. If the type changes, windows are summed and requantized once.
// Rows of one channel are rows of a linear layer.
// CHECK-LABEL: func.func @rows
// CHECK:         cortex_m.quantized_linear {{.*}} : (tensor<2x12xi8>, tensor<1x12xi8>) -> tensor<2x1xi8>
// CHECK-NOT:     quantized_activation
// CHECK:         func.return
func.func @rows(%x: tensor<1x2x12x1x!q>) -> tensor<1x2x1x1x!r> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 1, 12>, stride = array<i64: 1, 12>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x2x12x1x!q>) -> tensor<1x2x1x1x!r>
  func.return %0 : tensor<1x2x1x1x!r>
}

// A whole image: a few channels stay, and the others move to the width. On MVE the depthwise
// kernel needs 24,304 bytes of scratch for this, an ordinary convolution 1,600.
// CHECK-LABEL: func.func @image
// CHECK:         cortex_m.quantized_conv2d {{.*}} : (tensor<1x98x40x8xi8>, tensor<8x49x1x8xi8>, {{.*}}) -> tensor<1x2x40x8xi8>
// DSP-LABEL:   func.func @image
// DSP:           cortex_m.quantized_depthwise_conv2d {{.*}} : (tensor<1x98x20x16xi8>, tensor<1x49x1x16xi8>, {{.*}}) -> tensor<1x2x20x16xi8>
func.func @image(%x: tensor<2x7x7x320x!q>) -> tensor<2x1x1x320x!r> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 7, 7>, stride = array<i64: 7, 7>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<2x7x7x320x!q>) -> tensor<2x1x1x320x!r>
  func.return %0 : tensor<2x1x1x320x!r>
}

// If padding counts, the kernel pads.
// CHECK-LABEL: func.func @padded
// CHECK-NOT:     cortex_m.pad
// CHECK:         cortex_m.quantized_depthwise_conv2d {{.*}}padding = array<i64: 1, 1>{{.*}} -> tensor<1x7x7x4xi8>
func.func @padded(%x: tensor<1x7x7x4x!q>) -> tensor<1x7x7x4x!r> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x7x7x4x!q>) -> tensor<1x7x7x4x!r>
  func.return %0 : tensor<1x7x7x4x!r>
}

// If it does not count, windows divide by different numbers: a pool, then a table.
// CHECK-LABEL: func.func @uncounted
// CHECK:         cortex_m.quantized_avg_pool2d
// CHECK:         cortex_m.quantized_activation
func.func @uncounted(%x: tensor<1x7x7x4x!q>) -> tensor<1x7x7x4x!r> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, ceil_mode = false, count_include_pad = false, data_format = "NHWC"} : (tensor<1x7x7x4x!q>) -> tensor<1x7x7x4x!r>
  func.return %0 : tensor<1x7x7x4x!r>
}
