// RUN: cm-opt %s --pass-pipeline='builtin.module(fold-permutes)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!a = !quant.uniform<i8:f32:0, {0.1, 0.2, 0.3}>
!a3 = !quant.uniform<i8:f32:3, {0.1, 0.2, 0.3}>
!c = !quant.uniform<i8:f32:1, {0.1, 0.2, 0.3, 0.4}>

// Elementwise ops let a permute pass; where two meet they cancel.
// CHECK-LABEL: @unary
// CHECK-NEXT:    %0 = edge.sigmoid %x : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT:    %1 = quant.qcast %0 : tensor<2x3x4xf32> to tensor<2x3x4x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %2 = edge.clamp %1 {min = 0.000000e+00 : f64}
// CHECK-NEXT:    func.return %2
func.func @unary(%x: tensor<2x3x4xf32>) -> tensor<2x3x4x!q> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = edge.sigmoid %0 : (tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  %2 = quant.qcast %1 : tensor<4x2x3xf32> to tensor<4x2x3x!q>
  %3 = edge.clamp %2 {min = 0.0 : f64} : (tensor<4x2x3x!q>) -> tensor<4x2x3x!q>
  %4 = edge.permute %3 {perm = array<i64: 1, 2, 0>} : (tensor<4x2x3x!q>) -> tensor<2x3x4x!q>
  func.return %4 : tensor<2x3x4x!q>
}

// What does not cancel comes out last.
// CHECK-LABEL: @sinks
// CHECK-NEXT:    %0 = edge.relu %x
// CHECK-NEXT:    %1 = edge.permute %0 {perm = array<i64: 2, 0, 1>}
// CHECK-NEXT:    func.return %1
func.func @sinks(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = edge.relu %0 : (tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  func.return %1 : tensor<4x2x3xf32>
}

// A quantized axis would have to move.
// CHECK-LABEL: @qcast_per_axis
// CHECK-NEXT:    %0 = edge.permute
// CHECK-NEXT:    %1 = quant.qcast %0
func.func @qcast_per_axis(%x: tensor<2x3xf32>) -> tensor<3x2x!a> {
  %0 = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = quant.qcast %0 : tensor<3x2xf32> to tensor<3x2x!a>
  func.return %1 : tensor<3x2x!a>
}

// CHECK-LABEL: @binary
// CHECK-NEXT:    %0 = edge.mul %x, %y : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT:    %1 = edge.permute %0 {perm = array<i64: 2, 0, 1>}
func.func @binary(%x: tensor<2x3x4xf32>, %y: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = edge.permute %y {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %2 = edge.mul %0, %1 : (tensor<4x2x3xf32>, tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  func.return %2 : tensor<4x2x3xf32>
}

// A constant turns the other way, at full rank.
// CHECK-LABEL: @binary_with_constant
// CHECK-NEXT:    %c = arith.constant dense<{{.*}}1.000000e+00], [2.000000e+00], [3.000000e+00{{.*}}> : tensor<1x3x1xf32>
// CHECK-NEXT:    %0 = edge.add %x, %c : (tensor<2x3x4xf32>, tensor<1x3x1xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT:    %1 = edge.permute %0 {perm = array<i64: 2, 0, 1>}
func.func @binary_with_constant(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %c = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = edge.add %0, %c : (tensor<4x2x3xf32>, tensor<3xf32>) -> tensor<4x2x3xf32>
  func.return %1 : tensor<4x2x3xf32>
}

// Not through two different permutes, a value that has none, or one that is broadcast.
// CHECK-LABEL: @binary_stays
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 1, 0, 2>}
// CHECK-NEXT:    %1 = edge.permute %x {perm = array<i64: 2, 1, 0>}
// CHECK-NEXT:    %2 = edge.permute %y {perm = array<i64: 1, 0, 2>}
// CHECK-NEXT:    %3 = edge.mul %0, %1
// CHECK-NEXT:    %4 = edge.mul %0, %x
// CHECK-NEXT:    %5 = edge.mul %0, %2
// CHECK-NEXT:    func.return
func.func @binary_stays(%x: tensor<3x3x3xf32>, %y: tensor<3x3x1xf32>) -> (tensor<3x3x3xf32>, tensor<3x3x3xf32>, tensor<3x3x3xf32>) {
  %0 = edge.permute %x {perm = array<i64: 1, 0, 2>} : (tensor<3x3x3xf32>) -> tensor<3x3x3xf32>
  %1 = edge.permute %x {perm = array<i64: 2, 1, 0>} : (tensor<3x3x3xf32>) -> tensor<3x3x3xf32>
  %2 = edge.permute %y {perm = array<i64: 1, 0, 2>} : (tensor<3x3x1xf32>) -> tensor<3x3x1xf32>
  %3 = edge.mul %0, %1 : (tensor<3x3x3xf32>, tensor<3x3x3xf32>) -> tensor<3x3x3xf32>
  %4 = edge.mul %0, %x : (tensor<3x3x3xf32>, tensor<3x3x3xf32>) -> tensor<3x3x3xf32>
  %5 = edge.mul %0, %2 : (tensor<3x3x3xf32>, tensor<3x3x1xf32>) -> tensor<3x3x3xf32>
  func.return %3, %4, %5 : tensor<3x3x3xf32>, tensor<3x3x3xf32>, tensor<3x3x3xf32>
}

// CHECK-LABEL: @binary_per_axis
// CHECK:         %p = edge.permute %x
// CHECK-NEXT:    %0 = edge.mul %p, %a
// CHECK-NEXT:    %1 = edge.mul %p, %p
// CHECK-NEXT:    func.return %0, %1
func.func @binary_per_axis(%x: tensor<1x3x2x2x!q>) -> (tensor<1x2x2x3x!q>, tensor<1x2x2x3x!a3>) {
  %c = arith.constant dense<[1, 2, 3]> : tensor<3xi8>
  %a = quant.scast %c : tensor<3xi8> to tensor<3x!a>
  %p = edge.permute %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x2x2x!q>) -> tensor<1x2x2x3x!q>
  %0 = edge.mul %p, %a : (tensor<1x2x2x3x!q>, tensor<3x!a>) -> tensor<1x2x2x3x!q>
  %1 = edge.mul %p, %p : (tensor<1x2x2x3x!q>, tensor<1x2x2x3x!q>) -> tensor<1x2x2x3x!a3>
  func.return %0, %1 : tensor<1x2x2x3x!q>, tensor<1x2x2x3x!a3>
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

// Not where the batch moves, the weight is an argument, or its columns have scales of their own.
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
