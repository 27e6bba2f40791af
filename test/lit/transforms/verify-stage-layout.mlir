// RUN: cm-opt %s --pass-pipeline='builtin.module(verify-stage{stage=layout})' --split-input-file --verify-diagnostics -o /dev/null

// expected-error@+1 {{'func.func' op does not fit stage layout: tensor<2x3xf32, #edge.dim_order<[1, 0]>> is not row-major}}
func.func @argument(%x: tensor<2x3xf32, #edge.dim_order<[1, 0]>>) {
  func.return
}

// -----

func.func @memory_order(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error@+1 {{'edge.to_dim_order' op does not fit stage layout: a memory order is left}}
  %0 = edge.to_dim_order %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// -----

// A float window op keeps PyTorch's layout.
func.func @float(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  func.return %0 : tensor<1x1x2x2xf32>
}
