// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-portable)' --verify-diagnostics -o /dev/null

func.func @forward(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32> {
  // expected-error@+1 {{'edge.conv2d' op pads 0, 1, 1, 0: the float kernel pads both sides alike; quantize the op, or pad with a torch.nn.functional.pad of its own}}
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 1, 1, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32>
  func.return %0 : tensor<1x1x3x3xf32>
}
