// RUN: ROUNDTRIP

// CHECK-LABEL: @conv1d
// CHECK-NEXT:    edge.conv1d %x, %w, %b {stride = array<i64: 2>, padding = array<i64: 1, 2>, dilation = array<i64: 2>, groups = 2 : i64, activation_min = 0.000000e+00 : f32} : (tensor<1x4x8xf32>, tensor<6x2x3xf32>, tensor<6xf32>) -> tensor<1x6x4xf32>
func.func @conv1d(%x: tensor<1x4x8xf32>, %w: tensor<6x2x3xf32>, %b: tensor<6xf32>) {
  %0 = edge.conv1d %x, %w, %b {stride = array<i64: 2>, padding = array<i64: 1, 2>, dilation = array<i64: 2>, groups = 2 : i64, activation_min = 0.0 : f32} : (tensor<1x4x8xf32>, tensor<6x2x3xf32>, tensor<6xf32>) -> tensor<1x6x4xf32>
  func.return
}

// CHECK-LABEL: @pools
// CHECK-NEXT:    edge.avg_pool1d %x {kernel_size = array<i64: 3>, stride = array<i64: 2>, padding = array<i64: 1, 1>, ceil_mode = false, count_include_pad = true} : (tensor<2x4x8xf32>) -> tensor<2x4x4xf32>
// CHECK-NEXT:    edge.max_pool1d %x {kernel_size = array<i64: 3>, stride = array<i64: 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, ceil_mode = true} : (tensor<2x4x8xf32>) -> tensor<2x4x4xf32>
func.func @pools(%x: tensor<2x4x8xf32>) {
  %0 = edge.avg_pool1d %x {kernel_size = array<i64: 3>, stride = array<i64: 2>, padding = array<i64: 1, 1>, ceil_mode = false, count_include_pad = true} : (tensor<2x4x8xf32>) -> tensor<2x4x4xf32>
  %1 = edge.max_pool1d %x {kernel_size = array<i64: 3>, stride = array<i64: 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, ceil_mode = true} : (tensor<2x4x8xf32>) -> tensor<2x4x4xf32>
  func.return
}
