// RUN: cm-opt %s -p 'fall-back-to-float{kernels=cmopt}' | filecheck %s
// RUN: cm-opt %s -p fall-back-to-float | filecheck %s --check-prefix STOCK

!q = !quant.uniform<i8:f32, 0.1>
!a = !quant.uniform<i16:f32, 0.001>
!tiny = !quant.uniform<i16:f32, 1.0e-9>

// The stock library has no norms.
// CHECK-LABEL: @norm
// CHECK-NEXT:    edge.layer_norm %x {inner_dims = 1 : i64,
// CHECK-NEXT:    edge.layer_norm %0 {inner_dims = 2 : i64,
// CHECK-NEXT:    func.return
// STOCK-LABEL: @norm
// STOCK:         edge.layer_norm %{{.*}} {edge.reason = "a norm of rows needs kernels=\22cmopt\22", inner_dims = 1 : i64,{{.*}}(tensor<2x4xf32>) -> tensor<2x4xf32>
func.func @norm(%x: tensor<2x4x!q>) -> tensor<2x4x!q> {
  %0 = edge.layer_norm %x {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<2x4x!q>) -> tensor<2x4x!a>
  %1 = edge.layer_norm %0 {inner_dims = 2 : i64, epsilon = 1.0e-5 : f64, centered = false} : (tensor<2x4x!a>) -> tensor<2x4x!q>
  func.return %1 : tensor<2x4x!q>
}

// CHECK-LABEL: @limits
// CHECK:         edge.reason = "the norm kernel takes rows of 32768 at most, not 32769"
// CHECK:         edge.reason = "the output's scale is too small for the norm kernel"
// CHECK:         edge.reason = "the weight and the bias of a norm must be constants"
func.func @limits(%x: tensor<1x32769x!a>, %y: tensor<2x4x!a>, %w: tensor<4x!q>) -> (tensor<1x32769x!a>, tensor<2x4x!tiny>, tensor<2x4x!a>) {
  %0 = edge.layer_norm %x {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<1x32769x!a>) -> tensor<1x32769x!a>
  %1 = edge.layer_norm %y {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<2x4x!a>) -> tensor<2x4x!tiny>
  %2 = edge.layer_norm %y, %w {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<2x4x!a>, tensor<4x!q>) -> tensor<2x4x!a>
  func.return %0, %1, %2 : tensor<1x32769x!a>, tensor<2x4x!tiny>, tensor<2x4x!a>
}
