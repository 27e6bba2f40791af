// RUN: ROUNDTRIP

// CHECK-LABEL: func.func @norms
func.func @norms(%x: tensor<2x3x4xf32>, %w: tensor<3x4xf32>, %b: tensor<3x4xf32>, %v: tensor<4xf32>) -> tensor<2x3x4xf32> {
  // CHECK-NEXT: edge.layer_norm %x, %w, %b {inner_dims = 2 : i64, epsilon = 1.000000e-05 : f64, centered = true} : (tensor<2x3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<2x3x4xf32>
  %0 = edge.layer_norm %x, %w, %b {inner_dims = 2 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<2x3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<2x3x4xf32>
  // CHECK-NEXT: edge.layer_norm %0, %v {inner_dims = 1 : i64, epsilon = 0.000000e+00 : f64, centered = false} : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %1 = edge.layer_norm %0, %v {inner_dims = 1 : i64, epsilon = 0.0 : f64, centered = false} : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  // CHECK-NEXT: edge.layer_norm %1 {inner_dims = 3 : i64, epsilon = 1.000000e+00 : f64, centered = true} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %2 = edge.layer_norm %1 {inner_dims = 3 : i64, epsilon = 1.0 : f64, centered = true} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  func.return %2 : tensor<2x3x4xf32>
}
