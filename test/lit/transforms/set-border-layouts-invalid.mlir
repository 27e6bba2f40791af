// RUN: cm-opt %s --pass-pipeline='builtin.module(set-border-layouts{inputs="x=NHWC" outputs="output_0=NWHC"})' --split-input-file --verify-diagnostics

// expected-error@+1 {{'func.func' op input 'x' has rank 2: it has no layout}}
func.func @rank(%x: tensor<3x4xf32> {edge.name = "x"}) -> tensor<3x4xf32> {
  func.return %x : tensor<3x4xf32>
}

// -----

// expected-error@+1 {{the program has no input 'x'; it has input_0}}
func.func @name(%x: tensor<1x3x4xf32>) -> tensor<1x3x4xf32> {
  func.return %x : tensor<1x3x4xf32>
}

// -----

// expected-error@+1 {{'func.func' op output 'output_0': unknown layout 'NWHC', expected NCHW or NHWC}}
func.func @layout(%x: tensor<1x3x4xf32> {edge.name = "x"}) -> tensor<1x3x4xf32> {
  func.return %x : tensor<1x3x4xf32>
}
