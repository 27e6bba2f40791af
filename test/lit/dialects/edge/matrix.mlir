// RUN: ROUNDTRIP

// CHECK-LABEL: func.func @matrix
func.func @matrix(%x: tensor<2x3x4xf32>, %y: tensor<2x4x5xf32>, %z: tensor<2x5x4xf32>) -> tensor<2x3x5xf32> {
  // CHECK-NEXT: edge.matmul %x, %y {transposed_rhs = false} : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  %0 = edge.matmul %x, %y {transposed_rhs = false} : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  // CHECK-NEXT: edge.matmul %x, %z {transposed_rhs = true} : (tensor<2x3x4xf32>, tensor<2x5x4xf32>) -> tensor<2x3x5xf32>
  %1 = edge.matmul %x, %z {transposed_rhs = true} : (tensor<2x3x4xf32>, tensor<2x5x4xf32>) -> tensor<2x3x5xf32>
  // CHECK-NEXT: edge.softmax %1 {dim = 2 : i64} : (tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  %2 = edge.softmax %1 {dim = 2 : i64} : (tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  func.return %2 : tensor<2x3x5xf32>
}
