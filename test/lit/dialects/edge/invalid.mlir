// RUN: DIAGNOSTICS

// All tensors must be quantized, or none.
%x = "test.op"() : () -> tensor<4x!quant.uniform<i8:f32, 0.1>>
// expected-error@+1 {{'edge.relu' op mixes quantized and plain tensors; insert quant.qcast or quant.dcast so that all are of one kind}}
%0 = edge.relu %x : (tensor<4x!quant.uniform<i8:f32, 0.1>>) -> tensor<4xf32>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<1x8x!quant.uniform<i8:f32, 0.1>>, tensor<2x8x!quant.uniform<i8:f32, 0.1>>, tensor<2xf32>)
// expected-error@+1 {{'edge.linear' op mixes quantized and plain tensors}}
%0 = edge.linear %x, %w, %b : (tensor<1x8x!quant.uniform<i8:f32, 0.1>>, tensor<2x8x!quant.uniform<i8:f32, 0.1>>, tensor<2xf32>) -> tensor<1x2x!quant.uniform<i8:f32, 0.1>>

// -----

// Only edge.to_dim_order takes memory orders.
%x = "test.op"() : () -> tensor<2x3xf32, #edge.dim_order<[1, 0]>>
// expected-error@+1 {{'edge.relu' op works in the default memory order, got tensor<2x3xf32, #edge.dim_order<[1, 0]>>; insert edge.to_dim_order}}
%0 = edge.relu %x : (tensor<2x3xf32, #edge.dim_order<[1, 0]>>) -> tensor<2x3xf32>

// -----

// expected-error@+1 {{'test.op' op 2 scales on axis 0 do not fit shape [3, 4]}}
%x = "test.op"() : () -> tensor<3x4x!quant.uniform<i8:f32:0, {0.1, 0.2}>>

// -----

// The arguments of a function are checked too.
// expected-error@+1 {{'func.func' op 2 scales on axis 4 do not fit shape [3]}}
func.func @axis(%x: tensor<3x!quant.uniform<i8:f32:4, {0.1, 0.2}>>) {
  func.return
}

// -----

// expected-error@+1 {{'func.func' op dim order [1, 0] does not fit shape [3]}}
func.func @order(%x: tensor<3xf32, #edge.dim_order<[1, 0]>>) {
  func.return
}

// -----

%x, %w = "test.op"() : () -> (tensor<1x8xf32>, tensor<8x2xf32>)
// expected-error@+1 {{'edge.linear' op weight [8, 2] does not fit input [1, 8]: the last dimensions must agree}}
%0 = edge.linear %x, %w : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<1x8xf32>, tensor<8xf32>)
// expected-error@+1 {{'edge.linear' op weight [8] does not fit input [1, 8]}}
%0 = edge.linear %x, %w : (tensor<1x8xf32>, tensor<8xf32>) -> tensor<1xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<f32>, tensor<2x8xf32>)
// expected-error@+1 {{'edge.linear' op weight [2, 8] does not fit input []}}
%0 = edge.linear %x, %w : (tensor<f32>, tensor<2x8xf32>) -> tensor<2xf32>

// -----

%x, %w, %b = "test.op"() : () -> (tensor<1x8xf32>, tensor<2x8xf32>, tensor<1x2xf32>)
// expected-error@+1 {{'edge.linear' op bias shape [1, 2] should be [2]}}
%0 = edge.linear %x, %w, %b : (tensor<1x8xf32>, tensor<2x8xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>

// -----

%x, %w = "test.op"() : () -> (tensor<3x1x8xf32>, tensor<2x8xf32>)
// expected-error@+1 {{'edge.linear' op result shape [3, 2] should be [3, 1, 2]}}
%0 = edge.linear %x, %w : (tensor<3x1x8xf32>, tensor<2x8xf32>) -> tensor<3x2xf32>

// -----

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'edge.sigmoid' op result shape [2, 2] should be [4]}}
%0 = edge.sigmoid %x : (tensor<4xf32>) -> tensor<2x2xf32>

// -----

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'edge.clamp' op needs min, max or both}}
%0 = edge.clamp %x : (tensor<4xf32>) -> tensor<4xf32>

// -----

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'edge.gelu' op approximate must be none or tanh, got "erf"}}
%0 = edge.gelu %x {approximate = "erf"} : (tensor<4xf32>) -> tensor<4xf32>

// -----

%x, %y = "test.op"() : () -> (tensor<2x3xf32>, tensor<2xf32>)
// expected-error@+1 {{'edge.add' op shapes [2, 3] and [2] do not broadcast}}
%0 = edge.add %x, %y : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>

// -----

%x, %y = "test.op"() : () -> (tensor<2x1xf32>, tensor<3xf32>)
// expected-error@+1 {{'edge.mul' op result shape [2, 1] should be [2, 3]}}
%0 = edge.mul %x, %y : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x1xf32>

// -----

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'edge.call' op target must be namespace.operator.overload, got "aten.exp"}}
%0 = edge.call "aten.exp"(%x) {arguments = [#edge.operand<0>]} : (tensor<4xf32>) -> tensor<4xf32>

// -----

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'edge.call' op arguments name operands [0, 1], but there are 1}}
%0 = edge.call "aten.add.Tensor"(%x) {arguments = [#edge.operand<0>, #edge.operand<1>, 1]} : (tensor<4xf32>) -> tensor<4xf32>

// -----

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'edge.call' op arguments name operands [0, 0], but there are 2}}
%0 = edge.call "aten.cat.default"(%x, %x) {arguments = [[#edge.operand<0>, #edge.operand<0>], 0]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>

// -----

%x = "test.op"() : () -> tensor<1x4x4x1xf32>
// expected-error@+1 {{data_format must be NHWC, got "NCHW"}}
%0 = edge.call "aten.relu.default"(%x) {arguments = [#edge.operand<0>], data_format = "NCHW"} : (tensor<1x4x4x1xf32>) -> tensor<1x4x4x1xf32>

// -----

%x = "test.op"() : () -> tensor<4x4xf32>
// expected-error@+1 {{data_format takes tensors of rank 4}}
%0 = edge.call "aten.relu.default"(%x) {arguments = [#edge.operand<0>], data_format = "NHWC"} : (tensor<4x4xf32>) -> tensor<4x4xf32>
