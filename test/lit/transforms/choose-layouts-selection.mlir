// RUN: cm-opt %s -p choose-layouts,fold-inverse-permutes | filecheck %s

// Picking and padding work in any layout.
// CHECK-LABEL: func.func @between
// CHECK-NEXT:    %[[T:.*]] = edge.take %x {dim = 2 : i64, indices = array<i64: 1, 0>}
// CHECK-NEXT:    edge.pad %[[T]] {low = array<i64: 0, 1, 0>, high = array<i64: 2, 0, 0>
// CHECK-NEXT:    func.return
func.func @between(%x: tensor<3x4x2xf32>) -> tensor<5x5x2xf32> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  %1 = edge.take %0 {dim = 0 : i64, indices = array<i64: 1, 0>} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %2 = edge.pad %1 {low = array<i64: 0, 0, 1>, high = array<i64: 0, 2, 0>, value = 0.0 : f32} : (tensor<2x3x4xf32>) -> tensor<2x5x5xf32>
  %3 = edge.permute %2 {perm = array<i64: 1, 2, 0>} : (tensor<2x5x5xf32>) -> tensor<5x5x2xf32>
  func.return %3 : tensor<5x5x2xf32>
}

// A float convolution works on NHWC too: its constant weight is permuted instead.
// CHECK-LABEL: func.func @float_convolution
// CHECK:         edge.conv2d %x, {{.*}}data_format = "NHWC"}
// CHECK-NEXT:    func.return
func.func @float_convolution(%x: tensor<1x5x6x3xf32>) -> tensor<1x3x4x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x3x3x3xf32>
  %0 = edge.permute %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x5x6x3xf32>) -> tensor<1x3x5x6xf32>
  %1 = edge.conv2d %0, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x5x6xf32>, tensor<2x3x3x3xf32>) -> tensor<1x2x3x4xf32>
  %2 = edge.permute %1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  func.return %2 : tensor<1x3x4x2xf32>
}

// The kernel of average pools takes NCHW only.
// CHECK-LABEL: func.func @float_average
// CHECK:         edge.permute
// CHECK-NEXT:    edge.avg_pool2d
// CHECK-NEXT:    edge.permute
func.func @float_average(%x: tensor<1x5x6x3xf32>) -> tensor<1x4x5x3xf32> {
  %0 = edge.permute %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x5x6x3xf32>) -> tensor<1x3x5x6xf32>
  %1 = edge.avg_pool2d %0 {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x3x5x6xf32>) -> tensor<1x3x4x5xf32>
  %2 = edge.permute %1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x4x5xf32>) -> tensor<1x4x5x3xf32>
  func.return %2 : tensor<1x4x5x3xf32>
}

// The portable kernel of a max pool takes NHWC, if nobody reads its indices.
// CHECK-LABEL: func.func @pool_call
// CHECK-NEXT:    edge.call "aten.max_pool2d_with_indices.default"(%x) {{.*}}data_format = "NHWC"
// CHECK-NEXT:    func.return
func.func @pool_call(%x: tensor<1x6x6x3xi8>) -> tensor<1x4x4x3xi8> {
  %0 = edge.permute %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x6x6x3xi8>) -> tensor<1x3x6x6xi8>
  %1, %i = edge.call "aten.max_pool2d_with_indices.default"(%0) {arguments = [#edge.operand<0>, [2 : i64, 2 : i64], [1 : i64, 1 : i64], [0 : i64, 0 : i64], [2 : i64, 2 : i64], false]} : (tensor<1x3x6x6xi8>) -> (tensor<1x3x4x4xi8>, tensor<1x3x4x4xi64>)
  %2 = edge.permute %1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x4x4xi8>) -> tensor<1x4x4x3xi8>
  func.return %2 : tensor<1x4x4x3xi8>
}
