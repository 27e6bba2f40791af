// RUN: cm-opt %s -p 'split-transposed-convolutions{target="cortex-m55+ethos-u55-128"}' | filecheck %s

// Which of them are split on a core: split-transposed-convolutions-choice.mlir.

!q = !quant.uniform<i8:f32, 0.5:-1>
!w = !quant.uniform<i8:f32:1, {0.5, 0.25}>
!b = !quant.uniform<i32:f32:0, {0.25, 0.125}>

// Width: 2 phases, even columns read 0 with tap 0 and -1 with tap 2, odd ones read 0 with tap 1.
// Each phase has the scales of the two output channels.
// CHECK-LABEL: func.func @phases
// CHECK:         %[[C:.*]] = arith.constant dense<{{\[\[\[\[}}3, 1]]], {{\[\[\[}}6, 4]]], {{\[\[\[}}0, 2]]], {{\[\[\[}}0, 5]]]]> : tensor<4x1x1x2xi8>
// CHECK:         %[[W:.*]] = quant.scast %[[C]] : tensor<4x1x1x2xi8> to tensor<4x1x1x2x!quant.uniform<i8:f32:0, {0.5, 0.25, 0.5, 0.25}>>
// CHECK:         arith.constant dense<[7, 8, 7, 8]> : tensor<4xi32>
// CHECK:         edge.conv2d %x, %[[W]], {{.*}} {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64, activation_min = 0.000000e+00 : f32} : {{.*}} -> tensor<1x4x2x4x
// CHECK-NEXT:    edge.reshape {{.*}} -> tensor<1x1x2x2x2x4x
// CHECK-NEXT:    edge.permute {{.*}} {perm = array<i64: 0, 3, 4, 1, 5, 2>}
// CHECK-NEXT:    edge.reshape {{.*}} -> tensor<1x2x2x8x
// CHECK-NEXT:    edge.slice {{.*}} {dim = 3 : i64, start = 0 : i64} : {{.*}} -> tensor<1x2x2x7x
func.func @phases(%x: tensor<1x1x2x3x!q>) -> tensor<1x2x2x7x!q> {
  %c = arith.constant dense<[[[[1, 2, 3]], [[4, 5, 6]]]]> : tensor<1x2x1x3xi8>
  %w = quant.scast %c : tensor<1x2x1x3xi8> to tensor<1x2x1x3x!w>
  %d = arith.constant dense<[7, 8]> : tensor<2xi32>
  %b = quant.scast %d : tensor<2xi32> to tensor<2x!b>
  %0 = edge.conv_transpose2d %x, %w, %b {stride = array<i64: 1, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, activation_min = 0.0 : f32} : (tensor<1x1x2x3x!q>, tensor<1x2x1x3x!w>, tensor<2x!b>) -> tensor<1x2x2x7x!q>
  func.return %0 : tensor<1x2x2x7x!q>
}

// An NPU computes each phase of the rows by a convolution of its own: phase 0 has taps 0 and 2.
// CHECK-LABEL: func.func @rows
// CHECK:         arith.constant dense<{{\[\[\[\[}}3], [1]]]]> : tensor<1x1x2x1xi8>
// CHECK:         edge.conv2d {{.*}}padding = array<i64: 1, 1, 0, 0>{{.*}} -> tensor<1x1x4x2x
// CHECK:         %[[EVEN:.*]] = edge.reshape {{.*}} -> tensor<1x1x1x4x2x
// CHECK:         arith.constant dense<2> : tensor<1x1x1x1xi8>
// CHECK:         edge.conv2d {{.*}}padding = array<i64: 0, 1, 0, 0>{{.*}} -> tensor<1x1x4x2x
// CHECK:         %[[ODD:.*]] = edge.reshape {{.*}} -> tensor<1x1x1x4x2x
// CHECK:         edge.cat %[[EVEN]], %[[ODD]] {dim = 0 : i64}
// CHECK-NEXT:    edge.reshape {{.*}} -> tensor<2x1x1x1x4x2x
// CHECK-NEXT:    edge.permute {{.*}} {perm = array<i64: 2, 3, 4, 0, 5, 1>}
// CHECK-NEXT:    edge.reshape {{.*}} -> tensor<1x1x8x2x
// CHECK-NEXT:    edge.slice {{.*}} {dim = 2 : i64, start = 0 : i64} : {{.*}} -> tensor<1x1x7x2x
func.func @rows(%x: tensor<1x1x3x2x!q>) -> tensor<1x1x7x2x!q> {
  %c = arith.constant dense<[[[[1], [2], [3]]]]> : tensor<1x1x3x1xi8>
  %w = quant.scast %c : tensor<1x1x3x1xi8> to tensor<1x1x3x1x!quant.uniform<i8:f32, 0.5>>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 1>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x3x2x!q>, tensor<1x1x3x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1x7x2x!q>
  func.return %0 : tensor<1x1x7x2x!q>
}

// Of a depthwise one, each phase of the columns too.
// CHECK-LABEL: func.func @depthwise
// CHECK-COUNT-4: edge.conv2d {{.*}}groups = 2 : i64
// CHECK:         edge.cat {{.*}} -> tensor<4x1x2x2x2x
// CHECK-NEXT:    edge.reshape {{.*}} -> tensor<2x2x1x2x2x2x
// CHECK-NEXT:    edge.permute
func.func @depthwise(%x: tensor<1x2x2x2x!q>) -> tensor<1x2x4x4x!q> {
  %c = arith.constant dense<[[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]]> : tensor<2x1x2x2xi8>
  %w = quant.scast %c : tensor<2x1x2x2xi8> to tensor<2x1x2x2x!quant.uniform<i8:f32, 0.5>>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x2x2x2x!q>, tensor<2x1x2x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x2x4x4x!q>
  func.return %0 : tensor<1x2x4x4x!q>
}

// The phases of a group follow each other: group 0 has weights 1 and 2, group 1 has 3 and 4.
// CHECK-LABEL: func.func @groups
// CHECK:         arith.constant dense<{{\[\[\[\[}}1]], {{\[\[}}0]]], {{\[\[\[}}2]], {{\[\[}}0]]], {{\[\[\[}}3]], {{\[\[}}0]]], {{\[\[\[}}4]], {{\[\[}}0]]]]> : tensor<4x2x1x1xi8>
// CHECK:         edge.conv2d {{.*}}groups = 2 : i64{{.*}} -> tensor<1x4x2x2x
// CHECK-NEXT:    edge.reshape {{.*}} -> tensor<2x1x2x1x2x2x
func.func @groups(%x: tensor<1x4x2x2x!q>) -> tensor<1x2x2x4x!q> {
  %c = arith.constant dense<[[[[1, 2]]], [[[0, 0]]], [[[3, 4]]], [[[0, 0]]]]> : tensor<4x1x1x2xi8>
  %w = quant.scast %c : tensor<4x1x1x2xi8> to tensor<4x1x1x2x!quant.uniform<i8:f32, 0.5>>
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 1, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x2x2x!q>, tensor<4x1x1x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x2x2x4x!q>
  func.return %0 : tensor<1x2x2x4x!q>
}

// Float ones stay.
// CHECK-LABEL: func.func @left
// CHECK:         edge.conv_transpose2d
func.func @left(%y: tensor<1x1x2x2xf32>, %v: tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32> {
  %0 = edge.conv_transpose2d %y, %v {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  func.return %0 : tensor<1x1x2x2xf32>
}

// A constant of a type for which there is no array counts as a value.
// CHECK-LABEL: func.func @index
// CHECK:         arith.constant dense<6> : tensor<3xindex>
func.func @index(%x: tensor<3xindex>) -> tensor<6xindex> {
  %c = arith.constant dense<6> : tensor<3xindex>
  %0 = cortex_m.join %x, %c : (tensor<3xindex>, tensor<3xindex>) -> tensor<6xindex>
  func.return %0 : tensor<6xindex>
}
