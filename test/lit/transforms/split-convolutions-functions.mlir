// RUN: cm-opt %s --pass-pipeline='builtin.module(split-convolutions,canonicalize)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.1, 0.2, 0.3, 0.4}>

// A function of one element is computed for each part. The concatenation takes all parts.
// CHECK-LABEL: @function
// CHECK:         {0.1, 0.2}
// CHECK-NEXT:    %[[A:.*]] = edge.conv2d %x, {{.*}} -> tensor<1x2x3x3x
// CHECK-NEXT:    %[[FA:.*]] = edge.silu %[[A]] : {{.*}} -> tensor<1x2x3x3x!quant.uniform<i8:f32, 0.2>>
// CHECK:         {0.3, 0.4}
// CHECK-NEXT:    %[[B:.*]] = edge.conv2d %x, {{.*}} -> tensor<1x2x3x3x
// CHECK-NEXT:    %[[FB:.*]] = edge.silu %[[B]]
// CHECK-NEXT:    %[[S:.*]] = edge.sigmoid %[[FB]]
// CHECK-NEXT:    %[[C:.*]] = edge.cat %[[FA]], %[[FB]], %[[S]]
// CHECK-NEXT:    func.return %[[C]]
func.func @function(%x: tensor<1x2x3x3x!q>) -> tensor<1x6x3x3x!quant.uniform<i8:f32, 0.2>> {
  %c = arith.constant dense<[[[[1]], [[2]]], [[[3]], [[4]]], [[[5]], [[6]]], [[[7]], [[8]]]]> : tensor<4x2x1x1xi8>
  %w = quant.scast %c : tensor<4x2x1x1xi8> to tensor<4x2x1x1x!w>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<4x2x1x1x!w>) -> tensor<1x4x3x3x!q>
  %1 = edge.silu %0 : (tensor<1x4x3x3x!q>) -> tensor<1x4x3x3x!quant.uniform<i8:f32, 0.2>>
  %2 = edge.slice %1 {dim = 1 : i64, start = 2 : i64} : (tensor<1x4x3x3x!quant.uniform<i8:f32, 0.2>>) -> tensor<1x2x3x3x!quant.uniform<i8:f32, 0.2>>
  %3 = edge.sigmoid %2 : (tensor<1x2x3x3x!quant.uniform<i8:f32, 0.2>>) -> tensor<1x2x3x3x!quant.uniform<i8:f32, 0.2>>
  %4 = edge.cat %1, %3 {dim = 1 : i64} : (tensor<1x4x3x3x!quant.uniform<i8:f32, 0.2>>, tensor<1x2x3x3x!quant.uniform<i8:f32, 0.2>>) -> tensor<1x6x3x3x!quant.uniform<i8:f32, 0.2>>
  func.return %4 : tensor<1x6x3x3x!quant.uniform<i8:f32, 0.2>>
}

// Two slices read the same channel, or something reads all of them: it stays.
// CHECK-LABEL: @overlap
// CHECK:         edge.conv2d
// CHECK-NEXT:    edge.silu
// CHECK-NEXT:    edge.slice
// CHECK-NEXT:    edge.slice
func.func @overlap(%x: tensor<1x2x3x3x!q>) -> (tensor<1x3x3x3x!q>, tensor<1x2x3x3x!q>) {
  %c = arith.constant dense<3> : tensor<4x2x1x1xi8>
  %w = quant.scast %c : tensor<4x2x1x1xi8> to tensor<4x2x1x1x!w>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<4x2x1x1x!w>) -> tensor<1x4x3x3x!q>
  %1 = edge.silu %0 : (tensor<1x4x3x3x!q>) -> tensor<1x4x3x3x!q>
  %2 = edge.slice %1 {dim = 1 : i64, start = 0 : i64} : (tensor<1x4x3x3x!q>) -> tensor<1x3x3x3x!q>
  %3 = edge.slice %1 {dim = 1 : i64, start = 2 : i64} : (tensor<1x4x3x3x!q>) -> tensor<1x2x3x3x!q>
  func.return %2, %3 : tensor<1x3x3x3x!q>, tensor<1x2x3x3x!q>
}

// CHECK-LABEL: @returned
// CHECK:         edge.slice
func.func @returned(%x: tensor<1x2x3x3x!q>) -> (tensor<1x4x3x3x!q>, tensor<1x2x3x3x!q>) {
  %c = arith.constant dense<3> : tensor<4x2x1x1xi8>
  %w = quant.scast %c : tensor<4x2x1x1xi8> to tensor<4x2x1x1x!w>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<4x2x1x1x!w>) -> tensor<1x4x3x3x!q>
  %1 = edge.silu %0 : (tensor<1x4x3x3x!q>) -> tensor<1x4x3x3x!q>
  %2 = edge.slice %1 {dim = 1 : i64, start = 2 : i64} : (tensor<1x4x3x3x!q>) -> tensor<1x2x3x3x!q>
  func.return %1, %2 : tensor<1x4x3x3x!q>, tensor<1x2x3x3x!q>
}
