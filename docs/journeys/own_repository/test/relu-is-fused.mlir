// RUN: cm-opt %s -p fuse-activations,canonicalize | filecheck %s

// A relu becomes the clamp of the convolution before it.
// CHECK-LABEL: @relu
// CHECK:         edge.conv2d %x, %w, %b {{.*}}activation_min = 0.000000e+00 : f32
// CHECK-NOT:     edge.relu
func.func @relu(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x1x1xf32>, %b: tensor<4xf32>) -> tensor<1x4x8x8xf32> {
  %0 = edge.conv2d %x, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  %1 = edge.relu %0 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  func.return %1 : tensor<1x4x8x8xf32>
}
