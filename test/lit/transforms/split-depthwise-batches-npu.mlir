// RUN: cm-opt %s --pass-pipeline='builtin.module(split-depthwise-batches{npu="ethos-u55-128"})' | filecheck %s

!x = !quant.uniform<i8:f32, 0.5>
!w = !quant.uniform<i8:f32, 0.1>

// The NPU takes a batch, so the convolution stays whole.
// CHECK-LABEL: @batch
// CHECK-NOT:     edge.slice
// CHECK:         edge.conv2d {{.*}} -> tensor<2x4x4x3x
func.func @batch(%x: tensor<2x4x4x3x!x>) -> tensor<2x4x4x3x!x> {
  %c = arith.constant dense<1> : tensor<3x1x1x1xi8>
  %w = quant.scast %c : tensor<3x1x1x1xi8> to tensor<3x1x1x1x!w>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 3 : i64, data_format = "NHWC"} : (tensor<2x4x4x3x!x>, tensor<3x1x1x1x!w>) -> tensor<2x4x4x3x!x>
  func.return %0 : tensor<2x4x4x3x!x>
}

// One with a kernel that is too large for the NPU is computed by the core, item by item.
// CHECK-LABEL: @large_kernel
// CHECK-COUNT-2: edge.conv2d {{.*}} -> tensor<1x1x1x3x
func.func @large_kernel(%x: tensor<2x65x2x3x!x>) -> tensor<2x1x1x3x!x> {
  %c = arith.constant dense<1> : tensor<3x65x2x1xi8>
  %w = quant.scast %c : tensor<3x65x2x1xi8> to tensor<3x65x2x1x!w>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 3 : i64, data_format = "NHWC"} : (tensor<2x65x2x3x!x>, tensor<3x65x2x1x!w>) -> tensor<2x1x1x3x!x>
  func.return %0 : tensor<2x1x1x3x!x>
}
