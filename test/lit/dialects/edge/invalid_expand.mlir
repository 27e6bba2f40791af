// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.expand' op shape [2, 3] does not broadcast to [2, 4]}}
%0 = edge.expand %x : (tensor<2x3xf32>) -> tensor<2x4xf32>

// -----

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.expand' op shape [2, 3] does not broadcast to [3]}}
%0 = edge.expand %x : (tensor<2x3xf32>) -> tensor<3xf32>

// -----

%x = "test.op"() : () -> tensor<1xf32>
// expected-error@+1 {{'edge.expand' op result should be tensor<2xf32>, not of f64}}
%0 = edge.expand %x : (tensor<1xf32>) -> tensor<2xf64>

// -----

%x = "test.op"() : () -> tensor<2x1x!quant.uniform<i8:f32:0, {0.1, 0.2}>>
// expected-error@+1 {{'edge.expand' op does not take a tensor that is quantized per axis}}
%0 = edge.expand %x : (tensor<2x1x!quant.uniform<i8:f32:0, {0.1, 0.2}>>) -> tensor<2x3x!quant.uniform<i8:f32:0, {0.1, 0.2}>>
