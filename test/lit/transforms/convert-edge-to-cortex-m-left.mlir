// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m)' | filecheck %s

// Ops without a kernel, or not in a kernel's layout, stay. verify-stage reports them.

!q = !quant.uniform<i8:f32, 0.5>

// CHECK-LABEL: @nchw
// CHECK:         edge.max_pool2d {{.*}}data_format = "NCHW"
func.func @nchw(%x: tensor<1x2x4x6x!q>) -> tensor<1x2x2x3x!q> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, data_format = "NCHW"} : (tensor<1x2x4x6x!q>) -> tensor<1x2x2x3x!q>
  func.return %0 : tensor<1x2x2x3x!q>
}

// CHECK-LABEL: @weight_at_run_time
// CHECK:         edge.linear
func.func @weight_at_run_time(%x: tensor<1x2x!q>, %w: tensor<1x2x!q>) -> tensor<1x1x!q> {
  %0 = edge.linear %x, %w : (tensor<1x2x!q>, tensor<1x2x!q>) -> tensor<1x1x!q>
  func.return %0 : tensor<1x1x!q>
}

// CHECK-LABEL: @window_longer_than_its_input
// CHECK:         edge.avg_pool2d
func.func @window_longer_than_its_input(%x: tensor<1x4x4x2x!q>) -> tensor<1x1x1x2x!q> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 5, 4>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = true, count_include_pad = false, data_format = "NHWC"} : (tensor<1x4x4x2x!q>) -> tensor<1x1x1x2x!q>
  func.return %0 : tensor<1x1x1x2x!q>
}
