// RUN: DIAGNOSTICS

func.func @f(%x: tensor<2x3xf32>) {
  // expected-error@+1 {{'edge.take' op an index is outside dimension 1 of 3}}
  %0 = edge.take %x {dim = 1 : i64, indices = array<i64: 0, 3>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x3xf32>) {
  // expected-error@+1 {{'edge.take' op dim 2 is outside rank 2}}
  %0 = edge.take %x {dim = 2 : i64, indices = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x3xf32>) {
  // expected-error@+1 {{'edge.take' op result shape [2, 3] should be [2, 1]}}
  %0 = edge.take %x {dim = 1 : i64, indices = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x3xf32>) {
  // expected-error@+1 {{'edge.pad' op low must be 2 integers ≥ 0, got [-1, 0]}}
  %0 = edge.pad %x {low = array<i64: -1, 0>, high = array<i64: 0, 0>, value = 0.0 : f32} : (tensor<2x3xf32>) -> tensor<1x3xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x3xf32>) {
  // expected-error@+1 {{'edge.pad' op result shape [2, 3] should be [2, 4]}}
  %0 = edge.pad %x {low = array<i64: 0, 0>, high = array<i64: 0, 1>, value = 0.0 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x3x!quant.uniform<i8:f32, 0.5>>) {
  // expected-error@+1 {{'edge.pad' op result should be tensor<2x4x!quant.uniform<i8:f32, 0.5>>, not of f32}}
  %0 = edge.pad %x {low = array<i64: 0, 0>, high = array<i64: 0, 1>, value = 0.0 : f32} : (tensor<2x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x4xf32>
  func.return
}

// -----

func.func @f(%x: tensor<3xi32>) {
  // expected-error@+1 {{'edge.pad' op pads floats or quantized tensors, got tensor<3xi32>}}
  %0 = edge.pad %x {low = array<i64: 1>, high = array<i64: 0>, value = 0.0 : f32} : (tensor<3xi32>) -> tensor<4xi32>
  func.return
}

// -----

func.func @f(%x: tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) {
  // expected-error@+1 {{'edge.take' op does not take a tensor that is quantized per axis}}
  %0 = edge.take %x {dim = 0 : i64, indices = array<i64: 1, 0>} : (tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  func.return
}

// -----

func.func @f(%x: tensor<1x2x3x4xf32>) {
  // expected-error@+1 {{'edge.upsample_bilinear2d' op result shape [1, 2, 7, 8] should be [1, 2, 6, 8]}}
  %0 = edge.upsample_bilinear2d %x : (tensor<1x2x3x4xf32>) -> tensor<1x2x7x8xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error@+1 {{'edge.upsample_bilinear2d' op works on four dimensions, none empty, got tensor<2x3x4xf32>}}
  %0 = edge.upsample_bilinear2d %x : (tensor<2x3x4xf32>) -> tensor<2x6x8xf32>
  func.return
}
