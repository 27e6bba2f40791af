// RUN: cm-opt %s --pass-pipeline='builtin.module(fold-inverse-permutes)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!c = !quant.uniform<i8:f32:1, {0.1, 0.2, 0.3, 0.4}>

// CHECK-LABEL: @inverse
// CHECK-NEXT:    func.return %x
func.func @inverse(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = edge.permute %0 {perm = array<i64: 1, 2, 0>} : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  func.return %1 : tensor<2x3x4xf32>
}

// CHECK-LABEL: @composed
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
// CHECK-NEXT:    func.return %0
func.func @composed(%x: tensor<2x3x4xf32>) -> tensor<3x4x2xf32> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = edge.permute %0 {perm = array<i64: 2, 0, 1>} : (tensor<4x2x3xf32>) -> tensor<3x4x2xf32>
  func.return %1 : tensor<3x4x2xf32>
}

// Only a dimension of size 1 moves, so no byte moves. Reshapes compose.
// CHECK-LABEL: @unit
// CHECK-NEXT:    %0 = edge.reshape %x : (tensor<1x3x4xf32>) -> tensor<3x4xf32>
// CHECK-NEXT:    func.return %0
func.func @unit(%x: tensor<1x3x4xf32>) -> tensor<3x4xf32> {
  %0 = edge.permute %x {perm = array<i64: 1, 0, 2>} : (tensor<1x3x4xf32>) -> tensor<3x1x4xf32>
  %1 = edge.reshape %0 : (tensor<3x1x4xf32>) -> tensor<3x4xf32>
  func.return %1 : tensor<3x4xf32>
}

// Two permutes of the same bytes become one.
// CHECK-LABEL: @shared
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 2, 1, 0>} : (tensor<2x1x3xf32>) -> tensor<3x1x2xf32>
// CHECK-NEXT:    %1 = edge.reshape %0 : (tensor<3x1x2xf32>) -> tensor<3x2x1xf32>
// CHECK-NEXT:    func.return %0, %1
func.func @shared(%x: tensor<2x1x3xf32>) -> (tensor<3x1x2xf32>, tensor<3x2x1xf32>) {
  %0 = edge.permute %x {perm = array<i64: 2, 1, 0>} : (tensor<2x1x3xf32>) -> tensor<3x1x2xf32>
  %1 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x1x3xf32>) -> tensor<3x2x1xf32>
  func.return %0, %1 : tensor<3x1x2xf32>, tensor<3x2x1xf32>
}

// flatten(permute(x)): the columns of the weight are permuted instead.
// CHECK-LABEL: @linear
// CHECK-NEXT:    %w = arith.constant dense<{{\[\[}}1, 4, 2, 5, 3, 6]]> : tensor<1x6xi8>
// CHECK-NEXT:    %w_1 = quant.scast %w : tensor<1x6xi8> to tensor<1x6x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %0 = edge.reshape %x : (tensor<5x3x2x!quant.uniform<i8:f32, 0.1>>) -> tensor<5x6x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %1 = edge.linear %0, %w_1 {activation_min = 0.000000e+00 : f32}
func.func @linear(%x: tensor<5x3x2x!q>) -> tensor<5x1x!q> {
  %c = arith.constant dense<[[1, 2, 3, 4, 5, 6]]> : tensor<1x6xi8>
  %w = quant.scast %c : tensor<1x6xi8> to tensor<1x6x!q>
  %0 = edge.permute %x {perm = array<i64: 0, 2, 1>} : (tensor<5x3x2x!q>) -> tensor<5x2x3x!q>
  %1 = edge.reshape %0 : (tensor<5x2x3x!q>) -> tensor<5x6x!q>
  %2 = edge.linear %1, %w {activation_min = 0.0 : f32} : (tensor<5x6x!q>, tensor<1x6x!q>) -> tensor<5x1x!q>
  func.return %2 : tensor<5x1x!q>
}

// Not if the batch moves, the weight is an argument, or its columns have separate scales.
// CHECK-LABEL: @linear_stays
// CHECK:         edge.permute %x {perm = array<i64: 1, 0, 2>}
// CHECK:         edge.permute %x {perm = array<i64: 0, 2, 1>}
// CHECK:         edge.linear %{{.*}}, %w
// CHECK:         edge.linear %{{.*}}, %v
// CHECK:         edge.linear %{{.*}}, %u
func.func @linear_stays(%x: tensor<2x2x2x!q>, %v: tensor<1x4x!q>) -> (tensor<2x1x!q>, tensor<2x1x!q>, tensor<2x1x!q>) {
  %c = arith.constant dense<[[1, 2, 3, 4]]> : tensor<1x4xi8>
  %w = quant.scast %c : tensor<1x4xi8> to tensor<1x4x!q>
  %u = quant.scast %c : tensor<1x4xi8> to tensor<1x4x!c>
  %0 = edge.permute %x {perm = array<i64: 1, 0, 2>} : (tensor<2x2x2x!q>) -> tensor<2x2x2x!q>
  %1 = edge.permute %x {perm = array<i64: 0, 2, 1>} : (tensor<2x2x2x!q>) -> tensor<2x2x2x!q>
  %2 = edge.reshape %0 : (tensor<2x2x2x!q>) -> tensor<2x4x!q>
  %3 = edge.reshape %1 : (tensor<2x2x2x!q>) -> tensor<2x4x!q>
  %4 = edge.linear %2, %w : (tensor<2x4x!q>, tensor<1x4x!q>) -> tensor<2x1x!q>
  %5 = edge.linear %3, %v : (tensor<2x4x!q>, tensor<1x4x!q>) -> tensor<2x1x!q>
  %6 = edge.linear %3, %u : (tensor<2x4x!q>, tensor<1x4x!c>) -> tensor<2x1x!q>
  func.return %4, %5, %6 : tensor<2x1x!q>, tensor<2x1x!q>, tensor<2x1x!q>
}
