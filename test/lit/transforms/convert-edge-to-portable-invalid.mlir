// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-portable)' --verify-diagnostics -o /dev/null

func.func @forward(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x3x3xf32> {
  // expected-error@+1 {{'edge.avg_pool2d' op pads 0, 1, 1, 0: the float kernel pads both sides alike; quantize the op, or pad with a separate torch.nn.functional.pad}}
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 1, 1>, padding = array<i64: 0, 1, 1, 0>, ceil_mode = false, count_include_pad = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x3x3xf32>
  func.return %0 : tensor<1x1x3x3xf32>
}
