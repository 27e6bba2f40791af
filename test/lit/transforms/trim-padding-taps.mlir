// RUN: cm-opt %s -p trim-padding-taps | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:3>
!w = !quant.uniform<i8:f32:0, {0.5, 0.25}>

// Two inputs under seven taps: at the first position taps 3 and 4, at the second taps 2 and 3.
// CHECK-LABEL: @same
// CHECK-NEXT:    %w = arith.constant dense<{{\[\[\[\[}}3, 4, 5]]], {{\[\[\[}}13, 14, 15]]]]> : tensor<2x1x1x3xi8>
// CHECK:         edge.conv2d %x, {{.*}}padding = array<i64: 0, 0, 1, 1>
func.func @same(%x: tensor<1x1x1x2x!q>) -> tensor<1x2x1x2x!q> {
  %c = arith.constant dense<[[[[1, 2, 3, 4, 5, 6, 7]]], [[[11, 12, 13, 14, 15, 16, 17]]]]> : tensor<2x1x1x7xi8>
  %w = quant.scast %c : tensor<2x1x1x7xi8> to tensor<2x1x1x7x!w>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 3, 3>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x1x2x!q>, tensor<2x1x1x7x!w>) -> tensor<1x2x1x2x!q>
  func.return %y : tensor<1x2x1x2x!q>
}

// NHWC, and the height. The three taps are two rows apart, and only the middle one reads a row.
// CHECK-LABEL: @dilated
// CHECK-NEXT:    %w = arith.constant dense<{{.*}}2{{.*}}5{{.*}}> : tensor<2x1x1x1xi8>
// CHECK:         edge.conv2d %x, {{.*}}padding = array<i64: 0, 0, 0, 0>
func.func @dilated(%x: tensor<1x2x4x1x!q>) -> tensor<1x2x4x2x!q> {
  %c = arith.constant dense<[[[[1]], [[2]], [[3]]], [[[4]], [[5]], [[6]]]]> : tensor<2x3x1x1xi8>
  %w = quant.scast %c : tensor<2x3x1x1xi8> to tensor<2x3x1x1x!w>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 2, 2, 0, 0>, dilation = array<i64: 2, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x2x4x1x!q>, tensor<2x3x1x1x!w>) -> tensor<1x2x4x2x!q>
  func.return %y : tensor<1x2x4x2x!q>
}

// Every tap reads the input somewhere.
// CHECK-LABEL: @all_live
// CHECK:         edge.conv2d %x, {{.*}}padding = array<i64: 0, 0, 1, 1>{{.*}}tensor<2x1x1x3x
func.func @all_live(%x: tensor<1x1x1x2x!q>) -> tensor<1x2x1x2x!q> {
  %c = arith.constant dense<1> : tensor<2x1x1x3xi8>
  %w = quant.scast %c : tensor<2x1x1x3xi8> to tensor<2x1x1x3x!w>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x1x2x!q>, tensor<2x1x1x3x!w>) -> tensor<1x2x1x2x!q>
  func.return %y : tensor<1x2x1x2x!q>
}
