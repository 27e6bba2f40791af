// RUN: cm-opt %s --pass-pipeline='builtin.module(fuse-factors,canonicalize,dce)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.5>
!w = !quant.uniform<i8:f32:0, {0.75, 1.5}>
!y = !quant.uniform<i8:f32, 0.00390625:-128>

// The layer of x / 6 + 1/2: a sixth of the weights' scales, a bias, and a clamp.
// CHECK-LABEL: @hardsigmoid
// CHECK:         quant.scast %{{.*}} : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8:f32:0, {0.125, 0.25}>>
// CHECK:         arith.constant dense<5.000000e-01> : tensor<2xf32>
// CHECK:         edge.linear %{{.*}} {activation_min = 0.000000e+00 : f32, activation_max = 1.000000e+00 : f32}
// CHECK-NOT:     edge.hardsigmoid
func.func @hardsigmoid(%x: tensor<1x2x!q>) -> tensor<1x2x!y> {
  %c = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %s = quant.scast %c : tensor<2x2xi8> to tensor<2x2x!w>
  %w = quant.dcast %s : tensor<2x2x!w> to tensor<2x2xf32>
  %f = quant.dcast %x : tensor<1x2x!q> to tensor<1x2xf32>
  %0 = edge.linear %f, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %1 = edge.hardsigmoid %0 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = quant.qcast %1 : tensor<1x2xf32> to tensor<1x2x!y>
  func.return %2 : tensor<1x2x!y>
}

// In float it is left: nothing would become an integer kernel.
// CHECK-LABEL: @float_result
// CHECK:         edge.hardsigmoid
func.func @float_result(%x: tensor<1x2x!q>) -> tensor<1x2xf32> {
  %c = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %s = quant.scast %c : tensor<2x2xi8> to tensor<2x2x!w>
  %w = quant.dcast %s : tensor<2x2x!w> to tensor<2x2xf32>
  %f = quant.dcast %x : tensor<1x2x!q> to tensor<1x2xf32>
  %0 = edge.linear %f, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %1 = edge.hardsigmoid %0 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  func.return %1 : tensor<1x2xf32>
}

// Another op reads the layer.
// CHECK-LABEL: @several_uses
// CHECK:         edge.hardsigmoid
func.func @several_uses(%x: tensor<1x2x!q>) -> (tensor<1x2x!y>, tensor<1x2xf32>) {
  %c = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %s = quant.scast %c : tensor<2x2xi8> to tensor<2x2x!w>
  %w = quant.dcast %s : tensor<2x2x!w> to tensor<2x2xf32>
  %f = quant.dcast %x : tensor<1x2x!q> to tensor<1x2xf32>
  %0 = edge.linear %f, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %1 = edge.hardsigmoid %0 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = quant.qcast %1 : tensor<1x2xf32> to tensor<1x2x!y>
  func.return %2, %0 : tensor<1x2x!y>, tensor<1x2xf32>
}

// A factor of an operand of a sum is in its scale. Its integers stay.
// CHECK-LABEL: @sum
// CHECK-NEXT:    %0 = quant.dcast %x
// CHECK-NEXT:    %1 = quant.scast %x : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xi8>
// CHECK-NEXT:    %x_1 = quant.scast %1 : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32, 1.5>>
// CHECK-NEXT:    %2 = quant.dcast %x_1
// CHECK-NEXT:    %3 = edge.sub %0, %2
func.func @sum(%x: tensor<4x!q>) -> tensor<4xf32> {
  %three = arith.constant dense<3.0> : tensor<f32>
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.mul %three, %0 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.sub %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return %2 : tensor<4xf32>
}

// A scale is positive. A product that is itself a result keeps its own rounding.
// CHECK-LABEL: @stays
// CHECK-COUNT-2: edge.mul
func.func @stays(%x: tensor<4x!q>) -> (tensor<4xf32>, tensor<4xf32>) {
  %no = arith.constant dense<-3.0> : tensor<f32>
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.mul %0, %no : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = edge.sub %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %two = arith.constant dense<2.0> : tensor<f32>
  %3 = edge.mul %0, %two : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  func.return %2, %3 : tensor<4xf32>, tensor<4xf32>
}
