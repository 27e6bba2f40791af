// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<3xf32>
// expected-error@+1 {{needs an input and a result of int8 or int16, quantized per tensor}}
%0 = edge.map %x {
^bb0(%1: tensor<f32>):
  edge.yield %1 : tensor<f32>
} : (tensor<3xf32>) -> tensor<3xf32>

// -----

%x = "test.op"() : () -> tensor<3x!quant.uniform<i8:f32, 0.1>>
// expected-error@+1 {{the body computes one element; its tensors have rank 0}}
%0 = edge.map %x {
^bb0(%1: tensor<3xf32>):
  edge.yield %1 : tensor<3xf32>
} : (tensor<3x!quant.uniform<i8:f32, 0.1>>) -> tensor<3x!quant.uniform<i8:f32, 0.1>>

// -----

%x = "test.op"() : () -> tensor<3x!quant.uniform<i8:f32, 0.1>>
// expected-error@+1 {{the body takes one tensor<f32> and yields one}}
%0 = edge.map %x {
^bb0(%1: tensor<i32>):
  edge.yield %1 : tensor<i32>
} : (tensor<3x!quant.uniform<i8:f32, 0.1>>) -> tensor<3x!quant.uniform<i8:f32, 0.1>>

// -----

%x = "test.op"() : () -> tensor<3x!quant.uniform<i8:f32, 0.1>>
// expected-error@+1 {{must end in edge.yield}}
%0 = edge.map %x {
^bb0(%1: tensor<f32>):
  "test.termop"() : () -> ()
} : (tensor<3x!quant.uniform<i8:f32, 0.1>>) -> tensor<3x!quant.uniform<i8:f32, 0.1>>
