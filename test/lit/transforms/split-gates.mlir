// RUN: cm-opt %s -p 'split-gates,canonicalize,cse' --split-input-file | filecheck %s

!x = !quant.uniform<i8:f32, 0.5>
!w = !quant.uniform<i8:f32:0, {0.1, 0.2, 0.3, 0.4}>
!v = !quant.uniform<i8:f32, 0.25>

// Two gates of two rows: each has its rows of the weights, with their scales, and its own sum.
// CHECK-LABEL: @gates
// CHECK-NOT:     tensor<1x4x
// CHECK:         edge.linear %x, {{.*}} : ({{.*}}, tensor<2x3x!quant.uniform<i8:f32:0, {0.1, 0.2}>>) -> tensor<1x2x
// CHECK:         edge.linear %h, {{.*}} : ({{.*}}, tensor<2x3x!quant.uniform<i8:f32, 0.25>>) -> tensor<1x2x
// CHECK:         edge.add {{.*}} -> tensor<1x2x!quant.uniform<i8:f32, 0.5>>
// CHECK:         edge.linear %x, {{.*}} : ({{.*}}, tensor<2x3x!quant.uniform<i8:f32:0, {0.3, 0.4}>>) -> tensor<1x2x
// CHECK:         edge.add
func.func @gates(%x: tensor<1x3x!x>, %h: tensor<1x3x!x>) -> (tensor<1x2x!x>, tensor<1x2x!x>) {
  %0 = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]> : tensor<4x3xi8>
  %w = quant.scast %0 : tensor<4x3xi8> to tensor<4x3x!w>
  %v = quant.scast %0 : tensor<4x3xi8> to tensor<4x3x!v>
  %a = edge.linear %x, %w : (tensor<1x3x!x>, tensor<4x3x!w>) -> tensor<1x4x!x>
  %b = edge.linear %h, %v : (tensor<1x3x!x>, tensor<4x3x!v>) -> tensor<1x4x!x>
  %sum = edge.add %a, %b : (tensor<1x4x!x>, tensor<1x4x!x>) -> tensor<1x4x!x>
  %i = edge.slice %sum {dim = 1 : i64, start = 0 : i64} : (tensor<1x4x!x>) -> tensor<1x2x!x>
  %f = edge.slice %sum {dim = 1 : i64, start = 2 : i64} : (tensor<1x4x!x>) -> tensor<1x2x!x>
  func.return %i, %f : tensor<1x2x!x>, tensor<1x2x!x>
}

// -----

!x = !quant.uniform<i8:f32, 0.5>

// A layer that is also read as a whole stays.
// CHECK-LABEL: @whole
// CHECK:         edge.linear {{.*}} -> tensor<1x4x
// CHECK-NEXT:    edge.slice
func.func @whole(%x: tensor<1x3x!x>) -> (tensor<1x4x!x>, tensor<1x2x!x>) {
  %0 = arith.constant dense<1> : tensor<4x3xi8>
  %w = quant.scast %0 : tensor<4x3xi8> to tensor<4x3x!x>
  %a = edge.linear %x, %w : (tensor<1x3x!x>, tensor<4x3x!x>) -> tensor<1x4x!x>
  %i = edge.slice %a {dim = 1 : i64, start = 0 : i64} : (tensor<1x4x!x>) -> tensor<1x2x!x>
  func.return %a, %i : tensor<1x4x!x>, tensor<1x2x!x>
}
