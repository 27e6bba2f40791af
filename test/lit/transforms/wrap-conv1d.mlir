// RUN: cm-opt %s --pass-pipeline='builtin.module(wrap-conv1d)' | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module(wrap-conv1d,fuse-activations,fold-quantize-dequantize,convert-to-nhwc,choose-layouts,fold-inverse-permutes,canonicalize,cse)' | filecheck %s --check-prefix=FOLDED

!q = !quant.uniform<i8:f32, 0.1>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.1, 0.2}>

// The one dimension becomes the height, and the activation follows its convolution.
// CHECK-LABEL: @conv1d
// CHECK-NEXT:    %0 = edge.reshape %x : (tensor<1x2x8xf32>) -> tensor<1x2x8x1xf32>
// CHECK-NEXT:    %1 = edge.reshape %w : (tensor<4x2x3xf32>) -> tensor<4x2x3x1xf32>
// CHECK-NEXT:    %2 = edge.conv2d %0, %1 {stride = array<i64: 2, 1>, padding = array<i64: 1, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x8x1xf32>, tensor<4x2x3x1xf32>) -> tensor<1x4x4x1xf32>
// CHECK-NEXT:    %3 = edge.relu %2
// CHECK-NEXT:    %4 = edge.reshape %3 : (tensor<1x4x4x1xf32>) -> tensor<1x4x4xf32>
// CHECK-NEXT:    func.return %4
func.func @conv1d(%x: tensor<1x2x8xf32>, %w: tensor<4x2x3xf32>) -> tensor<1x4x4xf32> {
  %0 = edge.conv1d %x, %w {stride = array<i64: 2>, padding = array<i64: 1, 0>, dilation = array<i64: 1>, groups = 1 : i64} : (tensor<1x2x8xf32>, tensor<4x2x3xf32>) -> tensor<1x4x4xf32>
  %1 = edge.relu %0 : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  func.return %1 : tensor<1x4x4xf32>
}

// CHECK-LABEL: @pools
// CHECK:         edge.avg_pool2d %{{.*}} {kernel_size = array<i64: 3, 1>, stride = array<i64: 2, 1>, padding = array<i64: 1, 1, 0, 0>, ceil_mode = false, count_include_pad = true}
// CHECK-NOT:     edge.reshape
// CHECK:         edge.max_pool2d %{{.*}} {kernel_size = array<i64: 2, 1>, stride = array<i64: 2, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, activation_min = 0.000000e+00 : f32}
func.func @pools(%x: tensor<1x2x8xf32>) -> tensor<1x2x2xf32> {
  %0 = edge.avg_pool1d %x {kernel_size = array<i64: 3>, stride = array<i64: 2>, padding = array<i64: 1, 1>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x8xf32>) -> tensor<1x2x4xf32>
  %1 = edge.max_pool1d %0 {kernel_size = array<i64: 2>, stride = array<i64: 2>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, ceil_mode = false, activation_min = 0.0 : f32} : (tensor<1x2x4xf32>) -> tensor<1x2x2xf32>
  func.return %1 : tensor<1x2x2xf32>
}

// Weights are reshaped at compile time, also dequantized ones with a scale per channel. Between two
// quantized convolutions no op is left, and there is one permute before and one after both.
// FOLDED-LABEL: @chain
// FOLDED-COUNT-1: edge.permute
// FOLDED:         arith.constant dense<3> : tensor<2x3x1x2xi8>
// FOLDED:         %[[FIRST:[0-9]+]] = edge.conv2d {{.*}}activation_min = 0.000000e+00 : f32, data_format = "NHWC"
// FOLDED-NOT:     edge.permute
// FOLDED:         edge.conv2d %[[FIRST]]
// FOLDED:         edge.permute
// FOLDED-NOT:     edge.permute
func.func @chain(%x: tensor<1x2x8x!q>) -> tensor<1x2x4x!q> {
  %c = arith.constant dense<3> : tensor<2x2x3xi8>
  %s = quant.scast %c : tensor<2x2x3xi8> to tensor<2x2x3x!w>
  %w = quant.dcast %s : tensor<2x2x3x!w> to tensor<2x2x3xf32>
  %0 = quant.dcast %x : tensor<1x2x8x!q> to tensor<1x2x8xf32>
  %1 = edge.conv1d %0, %w {stride = array<i64: 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, groups = 1 : i64} : (tensor<1x2x8xf32>, tensor<2x2x3xf32>) -> tensor<1x2x6xf32>
  %2 = edge.relu %1 : (tensor<1x2x6xf32>) -> tensor<1x2x6xf32>
  %3 = quant.qcast %2 : tensor<1x2x6xf32> to tensor<1x2x6x!q>
  %4 = quant.dcast %3 : tensor<1x2x6x!q> to tensor<1x2x6xf32>
  %5 = edge.conv1d %4, %w {stride = array<i64: 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1>, groups = 1 : i64} : (tensor<1x2x6xf32>, tensor<2x2x3xf32>) -> tensor<1x2x4xf32>
  %6 = quant.qcast %5 : tensor<1x2x4xf32> to tensor<1x2x4x!q>
  func.return %6 : tensor<1x2x4x!q>
}
