// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.permute' op works in the default memory order, got tensor<3x2xf32, #edge.dim_order<[1, 0]>>}}
%0 = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32, #edge.dim_order<[1, 0]>>

// -----

%x = "test.op"() : () -> tensor<2x3xf32, #edge.dim_order<[1, 0]>>
// expected-error@+1 {{'edge.reshape' op works in the default memory order, got tensor<2x3xf32, #edge.dim_order<[1, 0]>>}}
%0 = edge.reshape %x : (tensor<2x3xf32, #edge.dim_order<[1, 0]>>) -> tensor<6xf32>

// -----

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.reshape' op cannot reshape 6 elements [2, 3] to 8 [8]}}
%0 = edge.reshape %x : (tensor<2x3xf32>) -> tensor<8xf32>

// -----

%x = "test.op"() : () -> tensor<4x!quant.uniform<i8:f32, 0.1>>
// expected-error@+1 {{'edge.reshape' op result should be tensor<2x2x!quant.uniform<i8:f32, 0.1>>, not of !quant.uniform<i8:f32, 0.2>}}
%0 = edge.reshape %x : (tensor<4x!quant.uniform<i8:f32, 0.1>>) -> tensor<2x2x!quant.uniform<i8:f32, 0.2>>

// -----

%x = "test.op"() : () -> tensor<2x3x!quant.uniform<i8:f32:0, {0.1, 0.2}>>
// expected-error@+1 {{'edge.reshape' op result should be tensor<2x3x1x!quant.uniform<i8:f32:0, {0.1, 0.2}>>, not of !quant.uniform<i16:f32:0, {0.1, 0.2}>}}
%0 = edge.reshape %x : (tensor<2x3x!quant.uniform<i8:f32:0, {0.1, 0.2}>>) -> tensor<2x3x1x!quant.uniform<i16:f32:0, {0.1, 0.2}>>

// -----

%x = "test.op"() : () -> tensor<4x3x!quant.uniform<i8:f32:0, {0.1, 0.2, 0.3, 0.4}>>
// expected-error@+1 {{'edge.reshape' op splits or merges the quantized axis 0}}
%0 = edge.reshape %x : (tensor<4x3x!quant.uniform<i8:f32:0, {0.1, 0.2, 0.3, 0.4}>>) -> tensor<3x4x!quant.uniform<i8:f32:1, {0.1, 0.2, 0.3, 0.4}>>

// -----

// A single slice is still an axis.
%x = "test.op"() : () -> tensor<1x3x!quant.uniform<i8:f32:0, {0.1}>>
// expected-error@+1 {{'edge.reshape' op splits or merges the quantized axis 0}}
%0 = edge.reshape %x : (tensor<1x3x!quant.uniform<i8:f32:0, {0.1}>>) -> tensor<3x!quant.uniform<i8:f32, 0.1>>

// -----

%x = "test.op"() : () -> tensor<4x2x3xf32>
// expected-error@+1 {{'edge.permute' op perm [0, 2, 2] is not a permutation of rank 3}}
%0 = edge.permute %x {perm = array<i64: 0, 2, 2>} : (tensor<4x2x3xf32>) -> tensor<4x3x3xf32>

// -----

%x = "test.op"() : () -> tensor<4x2xf32>
// expected-error@+1 {{'edge.permute' op perm [0, 1, 2] is not a permutation of rank 2}}
%0 = edge.permute %x {perm = array<i64: 0, 1, 2>} : (tensor<4x2xf32>) -> tensor<4x2x1xf32>

// -----

%x = "test.op"() : () -> tensor<4x2x3xf32>
// expected-error@+1 {{'edge.permute' op result shape [4, 3, 2] should be [3, 4, 2]}}
%0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<4x2x3xf32>) -> tensor<4x3x2xf32>

// -----

// The quantized axis must move with its dimension.
%x = "test.op"() : () -> tensor<2x2x!quant.uniform<i8:f32:0, {0.1, 0.2}>>
// expected-error@+1 {{'edge.permute' op result should be tensor<2x2x!quant.uniform<i8:f32:1, {0.1, 0.2}>>, not of !quant.uniform<i8:f32:0, {0.1, 0.2}>}}
%0 = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<2x2x!quant.uniform<i8:f32:0, {0.1, 0.2}>>) -> tensor<2x2x!quant.uniform<i8:f32:0, {0.1, 0.2}>>

// -----

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.to_dim_order' op result shape [3, 2] should be [2, 3]}}
%0 = edge.to_dim_order %x : (tensor<2x3xf32>) -> tensor<3x2xf32, #edge.dim_order<[1, 0]>>

// -----

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.to_dim_order' op result should be tensor<2x3xf32>, not of f16}}
%0 = edge.to_dim_order %x : (tensor<2x3xf32>) -> tensor<2x3xf16, #edge.dim_order<[1, 0]>>

// -----

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.to_dim_order' op dim order [0, 2, 1] does not fit shape [2, 3]}}
%0 = edge.to_dim_order %x : (tensor<2x3xf32>) -> tensor<2x3xf32, #edge.dim_order<[0, 2, 1]>>

// -----

%x = "test.op"() : () -> tensor<3xui8>
// expected-error@+1 {{needs integers of one width, got ui8 and i16}}
%0 = edge.bitcast %x : (tensor<3xui8>) -> tensor<3xi16>
