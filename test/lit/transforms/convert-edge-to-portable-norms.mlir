// RUN: cm-opt %s -p convert-edge-to-portable | filecheck %s

// CHECK-LABEL: @layer_norm
// CHECK-NEXT:    %0, %1, %2 = edge.call "aten.native_layer_norm.default"(%x, %w, %b) {arguments = [#edge.operand<0>, [3 : i64, 4 : i64], #edge.operand<1>, #edge.operand<2>, 1.000000e-05 : f64], {{.*}} -> (tensor<2x3x4xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>)
// CHECK-NEXT:    %3, %4, %5 = edge.call "aten.native_layer_norm.default"(%0) {arguments = [#edge.operand<0>, [4 : i64], none, none, 1.000000e-05 : f64], {{.*}} -> (tensor<2x3x4xf32>, tensor<2x3x1xf32>, tensor<2x3x1xf32>)
// CHECK-NEXT:    func.return %3
func.func @layer_norm(%x: tensor<2x3x4xf32>, %w: tensor<3x4xf32>, %b: tensor<3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = edge.layer_norm %x, %w, %b {inner_dims = 2 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<2x3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<2x3x4xf32>
  %1 = edge.layer_norm %0 {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  func.return %1 : tensor<2x3x4xf32>
}

// There is no portable kernel of an uncentered norm.
// CHECK-LABEL: @rms_norm
// CHECK-NEXT:    %0 = edge.call "aten.mul.Tensor"(%x, %x)
// CHECK-NEXT:    %1 = edge.call "aten.mean.dim"(%0) {arguments = [#edge.operand<0>, [1 : i64, 2 : i64], true, none], {{.*}} -> tensor<2x1x1xf32>
// CHECK-NEXT:    %2 = edge.call "aten.add.Scalar"(%1) {arguments = [#edge.operand<0>, 1.000000e-05 : f64, 1 : i64],
// CHECK-NEXT:    %3 = edge.call "aten.rsqrt.default"(%2)
// CHECK-NEXT:    %4 = edge.call "aten.mul.Tensor"(%x, %3)
// CHECK-NEXT:    %5 = edge.call "aten.mul.Tensor"(%4, %w)
// CHECK-NEXT:    func.return %5
func.func @rms_norm(%x: tensor<2x3x4xf32>, %w: tensor<3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = edge.layer_norm %x, %w {inner_dims = 2 : i64, epsilon = 1.0e-5 : f64, centered = false} : (tensor<2x3x4xf32>, tensor<3x4xf32>) -> tensor<2x3x4xf32>
  func.return %0 : tensor<2x3x4xf32>
}
