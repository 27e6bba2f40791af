// RUN: cm-opt %s -p gather-windows | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-1>
!r = !quant.uniform<i8:f32, 0.25>

// A small pool is one call on stored integers. Its clamp follows.
// CHECK-LABEL: @small
// CHECK:         edge.call "aten.max_pool2d_with_indices.default"(%{{.*}}) {arguments = [#edge.operand<0>, [2 : i64, 2 : i64], [1 : i64, 1 : i64], [1 : i64, 1 : i64], [2 : i64, 2 : i64], false]} : (tensor<1x1x4x4xi8>) -> (tensor<1x1x4x4xi8>, tensor<1x1x4x4xi64>)
// CHECK:         edge.clamp %{{.*}} {min = 0.000000e+00 : f32}
func.func @small(%x: tensor<1x1x4x4x!q>) -> tensor<1x1x4x4x!q> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilation = array<i64: 2, 2>, ceil_mode = false, activation_min = 0.0 : f32} : (tensor<1x1x4x4x!q>) -> tensor<1x1x4x4x!q>
  func.return %0 : tensor<1x1x4x4x!q>
}

// The kernel pads both ends alike, and keeps the type. A large pool is faster without it.
// CHECK-LABEL: @others
// CHECK-NOT:     edge.call
// CHECK:         func.return
func.func @others(%x: tensor<1x1x4x4x!q>, %y: tensor<1x1x20x20x!q>) -> (tensor<1x1x3x4x!q>, tensor<1x1x2x2x!r>, tensor<1x1x18x18x!q>) {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 1, 0, 1, 1>, dilation = array<i64: 2, 2>, ceil_mode = false} : (tensor<1x1x4x4x!q>) -> tensor<1x1x3x4x!q>
  %1 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 2, 2>, ceil_mode = false} : (tensor<1x1x4x4x!q>) -> tensor<1x1x2x2x!r>
  %2 = edge.max_pool2d %y {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 2, 2>, ceil_mode = false} : (tensor<1x1x20x20x!q>) -> tensor<1x1x18x18x!q>
  func.return %0, %1, %2 : tensor<1x1x3x4x!q>, tensor<1x1x2x2x!r>, tensor<1x1x18x18x!q>
}
