// RUN: cm-opt %s --pass-pipeline='builtin.module(gather-windows{npu="ethos-u55-128"})' | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-1>

// The elements of each window become adjacent. Padding becomes an element of the same window.
// CHECK-LABEL: func.func @dilated
// CHECK-NEXT:    %[[H:.*]] = edge.take %x {dim = 2 : i64, indices = array<i64: 1, 1, 0, 2, 1, 3, 2, 2>}
// CHECK-NEXT:    %[[W:.*]] = edge.take %[[H]] {dim = 3 : i64, indices = array<i64: 0, 1, 2, 3>}
// CHECK-NEXT:    edge.max_pool2d %[[W]] {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false}
func.func @dilated(%x: tensor<1x1x4x4x!q>) -> tensor<1x1x4x2x!q> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 2>, padding = array<i64: 1, 1, 0, 0>, dilation = array<i64: 2, 1>, ceil_mode = false} : (tensor<1x1x4x4x!q>) -> tensor<1x1x4x2x!q>
  func.return %0 : tensor<1x1x4x2x!q>
}

// These stay: a pool with an empty window, a float pool, and a pool without dilation.
// CHECK-LABEL: func.func @others
// CHECK-NOT:     edge.take
func.func @others(%x: tensor<1x1x1x1x!q>, %y: tensor<1x1x4x4xf32>, %z: tensor<1x1x2x2x!q>) -> (tensor<1x1x1x1x!q>, tensor<1x1x2x2xf32>, tensor<1x1x1x1x!q>) {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 9, 9>, padding = array<i64: 1, 1, 1, 1>, dilation = array<i64: 2, 2>, ceil_mode = false} : (tensor<1x1x1x1x!q>) -> tensor<1x1x1x1x!q>
  %1 = edge.max_pool2d %y {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 2, 2>, ceil_mode = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  %2 = edge.max_pool2d %z {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x1x2x2x!q>) -> tensor<1x1x1x1x!q>
  func.return %0, %1, %2 : tensor<1x1x1x1x!q>, tensor<1x1x2x2xf32>, tensor<1x1x1x1x!q>
}
