// RUN: cm-opt %s -p choose-layouts,fold-inverse-permutes,canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-1>
!w = !quant.uniform<i32:f32, 9.313225746154785e-10>

// The rows may be in any order.
// CHECK-LABEL: func.func @rows
// CHECK-NEXT:    edge.layer_norm %x {inner_dims = 1 : i64, {{.*}} : (tensor<2x3x4x
// CHECK-NEXT:    func.return
func.func @rows(%x: tensor<2x3x4x!q>) -> tensor<2x3x4x!q> {
  %0 = edge.permute %x {perm = array<i64: 1, 0, 2>} : (tensor<2x3x4x!q>) -> tensor<3x2x4x!q>
  %1 = edge.layer_norm %0 {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<3x2x4x!q>) -> tensor<3x2x4x!q>
  %2 = edge.permute %1 {perm = array<i64: 1, 0, 2>} : (tensor<3x2x4x!q>) -> tensor<2x3x4x!q>
  func.return %2 : tensor<2x3x4x!q>
}

// So may the elements of a row, with those of the weight.
// CHECK-LABEL: func.func @elements
// CHECK-NEXT:    %[[W:.*]] = arith.constant dense<{{\[\[}}1, 3], [2, 4]]> : tensor<2x2xi32>
// CHECK-NEXT:    %[[Q:.*]] = quant.scast %[[W]]
// CHECK-NEXT:    edge.layer_norm %x, %[[Q]] {inner_dims = 2 : i64,
// CHECK-NEXT:    func.return
func.func @elements(%x: tensor<3x2x2x!q>) -> tensor<3x2x2x!q> {
  %0 = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %w = quant.scast %0 : tensor<2x2xi32> to tensor<2x2x!w>
  %1 = edge.permute %x {perm = array<i64: 0, 2, 1>} : (tensor<3x2x2x!q>) -> tensor<3x2x2x!q>
  %2 = edge.layer_norm %1, %w {inner_dims = 2 : i64, epsilon = 1.0e-5 : f64, centered = false} : (tensor<3x2x2x!q>, tensor<2x2x!w>) -> tensor<3x2x2x!q>
  %3 = edge.permute %2 {perm = array<i64: 0, 2, 1>} : (tensor<3x2x2x!q>) -> tensor<3x2x2x!q>
  func.return %3 : tensor<3x2x2x!q>
}

// In float another order of the elements would change the sums, and no element may leave its row.
// CHECK-LABEL: func.func @others
// CHECK:         edge.permute %x
// CHECK:         edge.layer_norm
// CHECK:         edge.permute
// CHECK:         edge.permute %y
// CHECK:         edge.layer_norm
// CHECK:         edge.permute
func.func @others(%x: tensor<3x2x2xf32>, %y: tensor<3x2x!q>) -> (tensor<3x2x2xf32>, tensor<3x2x!q>) {
  %0 = edge.permute %x {perm = array<i64: 0, 2, 1>} : (tensor<3x2x2xf32>) -> tensor<3x2x2xf32>
  %1 = edge.layer_norm %0 {inner_dims = 2 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<3x2x2xf32>) -> tensor<3x2x2xf32>
  %2 = edge.permute %1 {perm = array<i64: 0, 2, 1>} : (tensor<3x2x2xf32>) -> tensor<3x2x2xf32>
  %3 = edge.permute %y {perm = array<i64: 1, 0>} : (tensor<3x2x!q>) -> tensor<2x3x!q>
  %4 = edge.layer_norm %3 {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<2x3x!q>) -> tensor<2x3x!q>
  %5 = edge.permute %4 {perm = array<i64: 1, 0>} : (tensor<2x3x!q>) -> tensor<3x2x!q>
  func.return %2, %5 : tensor<3x2x2xf32>, tensor<3x2x!q>
}
