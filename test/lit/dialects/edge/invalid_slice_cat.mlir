// RUN: DIAGNOSTICS

func.func @f(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{'edge.slice' op slice 4..7 is outside dimension 1 of 6}}
  %0 = edge.slice %x {dim = 1 : i64, start = 4 : i64} : (tensor<2x6xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{'edge.slice' op dim 2 and the result's rank must fit [2, 6]}}
  %0 = edge.slice %x {dim = 2 : i64, start = 0 : i64} : (tensor<2x6xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{'edge.slice' op result shape [1, 3] should be [2, 3]}}
  %0 = edge.slice %x {dim = 1 : i64, start = 0 : i64} : (tensor<2x6xf32>) -> tensor<1x3xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{'edge.slice' op result should be tensor<2x3xf32>, not of i8}}
  %0 = edge.slice %x {dim = 1 : i64, start = 0 : i64} : (tensor<2x6xf32>) -> tensor<2x3xi8>
  func.return
}

// -----

func.func @f(%x: tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) {
  // expected-error@+1 {{'edge.slice' op does not take a tensor that is quantized per axis}}
  %0 = edge.slice %x {dim = 0 : i64, start = 0 : i64} : (tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  func.return
}

// -----

func.func @f(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{'edge.cat' op result shape [2, 11] should be [2, 12]}}
  %0 = edge.cat %x, %x {dim = 1 : i64} : (tensor<2x6xf32>, tensor<2x6xf32>) -> tensor<2x11xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x6xf32>, %y: tensor<3x6xf32>) {
  // expected-error@+1 {{'edge.cat' op [3, 6] does not fit [2, 6] along 1}}
  %0 = edge.cat %x, %y {dim = 1 : i64} : (tensor<2x6xf32>, tensor<3x6xf32>) -> tensor<2x12xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x6xf32>) {
  // expected-error@+1 {{'edge.cat' op dim 2 is outside rank 2}}
  %0 = edge.cat %x, %x {dim = 2 : i64} : (tensor<2x6xf32>, tensor<2x6xf32>) -> tensor<2x12xf32>
  func.return
}

// -----

func.func @f(%x: tensor<2x6xf32>, %y: tensor<2x6xi8>) {
  // expected-error@+1 {{'edge.cat' op operands and result must be of one element type}}
  %0 = edge.cat %x, %y {dim = 1 : i64} : (tensor<2x6xf32>, tensor<2x6xi8>) -> tensor<2x12xf32>
  func.return
}
