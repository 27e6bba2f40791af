// RUN: DIAGNOSTICS

func.func @f(%x: tensor<2x3x4xf32>, %y: tensor<1x4x5xf32>) {
  // expected-error@+1 {{'edge.matmul' op operands must be matrices of one batch, got [2, 3, 4] and [1, 4, 5]}}
  %0 = edge.matmul %x, %y {transposed_rhs = false} : (tensor<2x3x4xf32>, tensor<1x4x5xf32>) -> tensor<2x3x5xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3x4xf32>, %y: tensor<4x5xf32>) {
  // expected-error@+1 {{'edge.matmul' op sums over 4 of lhs, but 5 of rhs}}
  %0 = edge.matmul %x, %y {transposed_rhs = true} : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3x4xf32>, %y: tensor<4x5xf32>) {
  // expected-error@+1 {{'edge.matmul' op result shape [3, 4] should be [3, 5]}}
  %0 = edge.matmul %x, %y {transposed_rhs = false} : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{'edge.softmax' op dim 2 is outside rank 2}}
  %0 = edge.softmax %x {dim = 2 : i64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{'edge.softmax' op result shape [3, 5] should be [3, 4]}}
  %0 = edge.softmax %x {dim = 1 : i64} : (tensor<3x4xf32>) -> tensor<3x5xf32>
  func.return
}
