// RUN: cm-opt %s --pass-pipeline='builtin.module(fall-back-to-float)' | filecheck %s

// The kernels compute in 32 bits. If an output's scale is so small that they would overflow,
// the op is computed in float.

!q = !quant.uniform<i8:f32, 0.5>
!p = !quant.uniform<i8:f32, 0.3>
!tiny = !quant.uniform<i8:f32, 1.0e-12>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.5, 0.5}>
!b = !quant.uniform<i32:f32:0, {0.25, 0.25}>

// CHECK-LABEL: @small
// CHECK:         edge.linear %{{.*}}, %{{.*}} {edge.reason = "the output's scale is so small that the kernel's 32-bit arithmetic may overflow"}
// CHECK:         edge.add %{{.*}}, %{{.*}} {edge.reason = "the output's scale is so small
func.func @small(%x: tensor<1x2x!q>, %y: tensor<1x2x!p>) -> (tensor<1x2x!tiny>, tensor<1x2x!tiny>) {
  %c = arith.constant dense<[[1, 2], [3, 127]]> : tensor<2x2xi8>
  %w = quant.scast %c : tensor<2x2xi8> to tensor<2x2x!w>
  %i = arith.constant dense<20000000> : tensor<2xi32>
  %b = quant.scast %i : tensor<2xi32> to tensor<2x!b>
  %0 = edge.linear %x, %w, %b : (tensor<1x2x!q>, tensor<2x2x!w>, tensor<2x!b>) -> tensor<1x2x!tiny>
  %1 = edge.add %x, %y : (tensor<1x2x!q>, tensor<1x2x!p>) -> tensor<1x2x!tiny>
  func.return %0, %1 : tensor<1x2x!tiny>, tensor<1x2x!tiny>
}

// If every accumulator but zero saturates, a smaller factor gives the same result and fits.
// CHECK-LABEL: @saturates
// CHECK-NOT:     quant.dcast
// CHECK:         func.return
func.func @saturates(%x: tensor<1x2x!q>, %y: tensor<1x2x!q>) -> (tensor<1x2x!tiny>, tensor<1x2x!tiny>, tensor<1x2x!tiny>) {
  %c = arith.constant dense<[[1, 2], [3, 127]]> : tensor<2x2xi8>
  %w = quant.scast %c : tensor<2x2xi8> to tensor<2x2x!w>
  %0 = edge.linear %x, %w : (tensor<1x2x!q>, tensor<2x2x!w>) -> tensor<1x2x!tiny>
  %1 = edge.mul %x, %y : (tensor<1x2x!q>, tensor<1x2x!q>) -> tensor<1x2x!tiny>
  %2 = edge.add %x, %y : (tensor<1x2x!q>, tensor<1x2x!q>) -> tensor<1x2x!tiny>
  func.return %0, %1, %2 : tensor<1x2x!tiny>, tensor<1x2x!tiny>, tensor<1x2x!tiny>
}

// A bias may use all 32 bits if the accumulator is not shifted left after it.
// CHECK-LABEL: @large_bias
// CHECK-NOT:     quant.dcast
// CHECK:         func.return
func.func @large_bias(%x: tensor<1x2x!q>) -> tensor<1x2x!q> {
  %c = arith.constant dense<0> : tensor<2x2xi8>
  %w = quant.scast %c : tensor<2x2xi8> to tensor<2x2x!w>
  %i = arith.constant dense<2000000000> : tensor<2xi32>
  %b = quant.scast %i : tensor<2xi32> to tensor<2x!b>
  %0 = edge.linear %x, %w, %b : (tensor<1x2x!q>, tensor<2x2x!w>, tensor<2x!b>) -> tensor<1x2x!q>
  func.return %0 : tensor<1x2x!q>
}
