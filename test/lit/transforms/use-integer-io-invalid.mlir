// RUN: cm-opt %s --pass-pipeline='builtin.module(use-integer-io)' --split-input-file --verify-diagnostics -o /dev/null

// expected-error@unknown {{forward: input 1 is used as a float inside the model, so it cannot be passed as int8; compile with io="float", or quantize the operators at the border}}
func.func @forward(%unused: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<4x!quant.uniform<i8:f32, 0.5>> {
  %0 = edge.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  func.return %1 : tensor<4x!quant.uniform<i8:f32, 0.5>>
}

// -----

// The argument is quantized in two ways.
// expected-error@unknown {{forward: input 0 is used as a float inside the model}}
func.func @forward(%x: tensor<4xf32>) -> (tensor<4x!quant.uniform<i8:f32, 0.5>>, tensor<4x!quant.uniform<i8:f32, 0.25>>) {
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  %1 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
  func.return %0, %1 : tensor<4x!quant.uniform<i8:f32, 0.5>>, tensor<4x!quant.uniform<i8:f32, 0.25>>
}

// -----

// expected-error@unknown {{forward: output 0 comes from a float operator, so it cannot be passed as int8}}
func.func @forward(%x: tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4xf32> {
  %0 = quant.dcast %x : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  %1 = edge.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  func.return %1 : tensor<4xf32>
}
