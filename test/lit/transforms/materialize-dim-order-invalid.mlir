// RUN: cm-opt %s --pass-pipeline='builtin.module(materialize-dim-order)' --split-input-file --verify-diagnostics -o /dev/null

func.func @argument(%x: tensor<2x3xf32, #edge.dim_order<[1, 0]>>) -> tensor<2x3xf32> {
  // expected-error@+1 {{'edge.call' op works in the default memory order only; insert edge.to_dim_order}}
  %0 = edge.call "aten.exp.default"(%x) {arguments = [#edge.operand<0>]} : (tensor<2x3xf32, #edge.dim_order<[1, 0]>>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// -----

func.func @result(%x: tensor<2x3xf32>) -> tensor<2x3xf32, #edge.dim_order<[1, 0]>> {
  // expected-error@+1 {{'edge.call' op works in the default memory order only; insert edge.to_dim_order}}
  %0 = edge.call "aten.exp.default"(%x) {arguments = [#edge.operand<0>]} : (tensor<2x3xf32>) -> tensor<2x3xf32, #edge.dim_order<[1, 0]>>
  func.return %0 : tensor<2x3xf32, #edge.dim_order<[1, 0]>>
}
