// RUN: cm-opt %s -p canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>

// A pool over single elements is nothing.
// CHECK-LABEL: @trivial
// CHECK-NEXT:    func.return %x
func.func @trivial(%x: tensor<1x2x4x4x!q>) -> tensor<1x2x4x4x!q> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 1, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x4x4x!q>) -> tensor<1x2x4x4x!q>
  %1 = edge.max_pool2d %0 {kernel_size = array<i64: 1, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x2x4x4x!q>) -> tensor<1x2x4x4x!q>
  func.return %1 : tensor<1x2x4x4x!q>
}

// One that skips elements, requantizes or clamps is not.
// CHECK-LABEL: @others
// CHECK-NEXT:    edge.avg_pool2d
// CHECK-NEXT:    edge.avg_pool2d
// CHECK-NEXT:    edge.max_pool2d
func.func @others(%x: tensor<1x2x4x4x!q>) -> tensor<1x2x2x2x!quant.uniform<i8:f32, 0.2>> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 1, 1>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x4x4x!q>) -> tensor<1x2x2x2x!q>
  %1 = edge.avg_pool2d %0 {kernel_size = array<i64: 1, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x2x!q>) -> tensor<1x2x2x2x!quant.uniform<i8:f32, 0.2>>
  %2 = edge.max_pool2d %1 {kernel_size = array<i64: 1, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, activation_max = 3.0 : f64} : (tensor<1x2x2x2x!quant.uniform<i8:f32, 0.2>>) -> tensor<1x2x2x2x!quant.uniform<i8:f32, 0.2>>
  func.return %2 : tensor<1x2x2x2x!quant.uniform<i8:f32, 0.2>>
}

// With ceil_mode, one window may be longer than its padded input: it is cut to that.
// CHECK-LABEL: @long
// CHECK-NEXT:    edge.avg_pool2d %x {kernel_size = array<i64: 4, 3>,
// CHECK-NEXT:    edge.max_pool2d %{{.*}} {kernel_size = array<i64: 1, 2>,
func.func @long(%x: tensor<1x2x4x4x!q>) -> tensor<1x2x1x1x!q> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 5, 3>, stride = array<i64: 2, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = true, count_include_pad = false} : (tensor<1x2x4x4x!q>) -> tensor<1x2x1x2x!q>
  %1 = edge.max_pool2d %0 {kernel_size = array<i64: 2, 3>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = true} : (tensor<1x2x1x2x!q>) -> tensor<1x2x1x1x!q>
  func.return %1 : tensor<1x2x1x1x!q>
}

// The padding counts as input.
// CHECK-LABEL: @long_with_padding
// CHECK-NEXT:    edge.avg_pool2d %x {kernel_size = array<i64: 6, 5>,
func.func @long_with_padding(%x: tensor<1x2x4x4x!q>) -> tensor<1x2x1x1x!q> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 7, 6>, stride = array<i64: 9, 9>, padding = array<i64: 1, 1, 1, 0>, ceil_mode = true, count_include_pad = true} : (tensor<1x2x4x4x!q>) -> tensor<1x2x1x1x!q>
  func.return %0 : tensor<1x2x1x1x!q>
}
