// RUN: cm-opt %s --pass-pipeline='builtin.module(split-convolutions)' | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module(split-convolutions,convert-to-nhwc,choose-layouts,fold-inverse-permutes,canonicalize,cse)' | filecheck %s --check-prefix=LAYOUT

!q = !quant.uniform<i8:f32, 0.1>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.1, 0.2, 0.3, 0.4}>

// Two slices read it: two convolutions, each with its channels' weights and scales.
// CHECK-LABEL: @parts
// CHECK:         arith.constant dense<{{\[\[}}{{\[\[}}1]], {{\[\[}}2]]], {{\[\[}}{{\[}}3]], {{\[\[}}4]]]]>
// CHECK-NEXT:    quant.scast %{{.*}} to tensor<2x2x1x1x!quant.uniform<i8<-127:127>:f32:0, {0.1, 0.2}>>
// CHECK-NEXT:    edge.conv2d %x, {{.*}} -> tensor<1x2x3x3x
// CHECK:         quant.scast %{{.*}} to tensor<2x2x1x1x!quant.uniform<i8<-127:127>:f32:0, {0.3, 0.4}>>
// CHECK-NEXT:    edge.conv2d %x, {{.*}} -> tensor<1x2x3x3x
// CHECK-NOT:     edge.slice
func.func @parts(%x: tensor<1x2x3x3x!q>) -> (tensor<1x2x3x3x!q>, tensor<1x2x3x3x!q>) {
  %c = arith.constant dense<[[[[1]], [[2]]], [[[3]], [[4]]], [[[5]], [[6]]], [[[7]], [[8]]]]> : tensor<4x2x1x1xi8>
  %w = quant.scast %c : tensor<4x2x1x1xi8> to tensor<4x2x1x1x!w>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<4x2x1x1x!w>) -> tensor<1x4x3x3x!q>
  %1 = edge.slice %0 {dim = 1 : i64, start = 0 : i64} : (tensor<1x4x3x3x!q>) -> tensor<1x2x3x3x!q>
  %2 = edge.slice %0 {dim = 1 : i64, start = 2 : i64} : (tensor<1x4x3x3x!q>) -> tensor<1x2x3x3x!q>
  func.return %1, %2 : tensor<1x2x3x3x!q>, tensor<1x2x3x3x!q>
}

// Each group has a part for each reader: channels 0 and 2, then 1 and 3.
// CHECK-LABEL: @parts_of_groups
// CHECK:         {0.1, 0.3}
// CHECK:         {0.2, 0.4}
// CHECK-NOT:     edge.slice
// CHECK:         edge.reshape %{{.*}} -> tensor<1x2x1x9x
func.func @parts_of_groups(%x: tensor<1x2x3x3x!q>) -> (tensor<1x2x1x9x!q>, tensor<1x2x1x9x!q>) {
  %c = arith.constant dense<3> : tensor<4x2x1x1xi8>
  %w = quant.scast %c : tensor<4x2x1x1xi8> to tensor<4x2x1x1x!w>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<4x2x1x1x!w>) -> tensor<1x4x3x3x!q>
  %1 = edge.reshape %0 : (tensor<1x4x3x3x!q>) -> tensor<1x2x2x9x!q>
  %2 = edge.slice %1 {dim = 2 : i64, start = 0 : i64} : (tensor<1x2x2x9x!q>) -> tensor<1x2x1x9x!q>
  %3 = edge.slice %1 {dim = 2 : i64, start = 1 : i64} : (tensor<1x2x2x9x!q>) -> tensor<1x2x1x9x!q>
  func.return %2, %3 : tensor<1x2x1x9x!q>, tensor<1x2x1x9x!q>
}

// Groups are outermost and channels innermost, as attention reads its keys: no permute is left.
// CHECK-LABEL: @groups
// CHECK:         edge.cat %{{.*}}, %{{.*}} {dim = 1 : i64} : (tensor<1x1x9x2x{{.*}} -> tensor<1x2x9x2x
// LAYOUT-LABEL: @groups
// LAYOUT:         edge.permute %x
// LAYOUT-COUNT-2: edge.conv2d
// LAYOUT-NOT:     edge.permute
// LAYOUT:         edge.cat
func.func @groups(%x: tensor<1x2x3x3x!q>) -> tensor<1x2x9x2x!q> {
  %c = arith.constant dense<3> : tensor<4x2x1x1xi8>
  %w = quant.scast %c : tensor<4x2x1x1xi8> to tensor<4x2x1x1x!w>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<4x2x1x1x!w>) -> tensor<1x4x3x3x!q>
  %1 = edge.reshape %0 : (tensor<1x4x3x3x!q>) -> tensor<1x2x2x9x!q>
  %2 = edge.permute %1 {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x2x9x!q>) -> tensor<1x2x9x2x!q>
  func.return %2 : tensor<1x2x9x2x!q>
}

// Not if an op reads all of it, if slices overlap, or with a window of more positions.
// CHECK-LABEL: @stays
// CHECK-COUNT-3: edge.conv2d
// CHECK-NOT:     edge.conv2d
func.func @stays(%x: tensor<1x2x3x3x!q>) -> (tensor<1x4x3x3x!q>, tensor<1x2x3x3x!q>, tensor<1x3x3x3x!q>, tensor<1x2x3x3x!q>, tensor<1x2x1x1x!q>) {
  %c = arith.constant dense<3> : tensor<4x2x1x1xi8>
  %w = quant.scast %c : tensor<4x2x1x1xi8> to tensor<4x2x1x1x!w>
  %d = arith.constant dense<3> : tensor<4x2x3x3xi8>
  %v = quant.scast %d : tensor<4x2x3x3xi8> to tensor<4x2x3x3x!w>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<4x2x1x1x!w>) -> tensor<1x4x3x3x!q>
  %1 = edge.slice %0 {dim = 1 : i64, start = 2 : i64} : (tensor<1x4x3x3x!q>) -> tensor<1x2x3x3x!q>
  %2 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, activation_min = 0.0 : f32} : (tensor<1x2x3x3x!q>, tensor<4x2x1x1x!w>) -> tensor<1x4x3x3x!q>
  %3 = edge.slice %2 {dim = 1 : i64, start = 0 : i64} : (tensor<1x4x3x3x!q>) -> tensor<1x3x3x3x!q>
  %4 = edge.slice %2 {dim = 1 : i64, start = 2 : i64} : (tensor<1x4x3x3x!q>) -> tensor<1x2x3x3x!q>
  %5 = edge.conv2d %x, %v {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x3x!q>, tensor<4x2x3x3x!w>) -> tensor<1x4x1x1x!q>
  %6 = edge.slice %5 {dim = 1 : i64, start = 0 : i64} : (tensor<1x4x1x1x!q>) -> tensor<1x2x1x1x!q>
  func.return %0, %1, %3, %4, %6 : tensor<1x4x3x3x!q>, tensor<1x2x3x3x!q>, tensor<1x3x3x3x!q>, tensor<1x2x3x3x!q>, tensor<1x2x1x1x!q>
}
