// RUN: DIAGNOSTICS

func.func @f(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{'edge.layer_norm' op inner_dims must be 1 to 2, got 3}}
  %0 = edge.layer_norm %x {inner_dims = 3 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3x0xf32>) {
  // expected-error@+1 {{'edge.layer_norm' op a row has no elements}}
  %0 = edge.layer_norm %x {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<3x0xf32>) -> tensor<3x0xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3x4xf32>, %w: tensor<3xf32>) {
  // expected-error@+1 {{'edge.layer_norm' op weight shape [3] should be [4]}}
  %0 = edge.layer_norm %x, %w {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<3x4xf32>, tensor<3xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3x4xf32>, %w: tensor<4xf32>, %b: tensor<1xf32>) {
  // expected-error@+1 {{'edge.layer_norm' op bias shape [1] should be [4]}}
  %0 = edge.layer_norm %x, %w, %b {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<3x4xf32>, tensor<4xf32>, tensor<1xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3x4xf32>, %w: tensor<4xf32>) {
  // expected-error@+1 {{'edge.layer_norm' op takes a weight and a bias, got 3 operands}}
  %0 = edge.layer_norm %x, %w, %w, %w {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<3x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{'edge.layer_norm' op epsilon must not be negative, got -1.0}}
  %0 = edge.layer_norm %x {inner_dims = 1 : i64, epsilon = -1.0 : f64, centered = true} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3x4x!quant.uniform<i8:f32, 0.1>>, %w: tensor<4xf32>) {
  // expected-error@+1 {{'edge.layer_norm' op mixes quantized and plain tensors; insert quant.qcast or quant.dcast so that all are of one kind}}
  %0 = edge.layer_norm %x, %w {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<3x4x!quant.uniform<i8:f32, 0.1>>, tensor<4xf32>) -> tensor<3x4x!quant.uniform<i8:f32, 0.1>>
  func.return
}
