// RUN: cm-opt %s -p 'split-bilinear-upsampling{npu="ethos-u55-32"}' | filecheck %s
// RUN: not cm-opt %s -p 'split-bilinear-upsampling{npu="ethos-u5"}' 2>&1 | filecheck %s --check-prefix=NAME

// NAME: error: unknown NPU 'ethos-u5'

!q = !quant.uniform<i8:f32, 0.5:-1>

// Borders of one element, then the ramps [1, 3, 3, 1] ⊗ [1, 2, 3, 2, 1], in steps of a 12th.
// CHECK-LABEL: func.func @ramps
// CHECK-NEXT:    %[[H:.*]] = edge.take %x {dim = 2 : i64, indices = array<i64: 0, 0, 1, 1>}
// CHECK-NEXT:    %[[W:.*]] = edge.take %[[H]] {dim = 3 : i64, indices = array<i64: 0, 0, 1, 1>}
// CHECK-NEXT:    arith.constant dense<{{\[\[\[\[}}1, 2, 3, 2, 1], [3, 6, 9, 6, 3], [3, 6, 9, 6, 3], [1, 2, 3, 2, 1]]]]> : tensor<1x1x4x5xi8>
// CHECK-NEXT:    quant.scast {{.*}}!quant.uniform<i8:f32, 0.083333
// CHECK-NEXT:    edge.conv_transpose2d %[[W]], {{.*}}stride = array<i64: 2, 3>, padding = array<i64: 3, 4>{{.*}}groups = 1 : i64
func.func @ramps(%x: tensor<1x1x2x2x!q>) -> tensor<1x1x4x6x!q> {
  %0 = edge.upsample_bilinear2d %x : (tensor<1x1x2x2x!q>) -> tensor<1x1x4x6x!q>
  func.return %0 : tensor<1x1x4x6x!q>
}

// Few channels are mixed by zeros, more are a depthwise convolution. A factor of 1 has no border.
// CHECK-LABEL: func.func @channels
// CHECK-NOT:     dim = 2
// CHECK:         edge.conv_transpose2d {{.*}}groups = 1 : i64{{.*}}tensor<2x2x1x4x
// CHECK:         edge.conv_transpose2d {{.*}}groups = 5 : i64{{.*}}tensor<5x1x1x4x
func.func @channels(%x: tensor<1x2x3x3x!q>, %y: tensor<1x5x3x3x!q>) -> (tensor<1x2x3x6x!q>, tensor<1x5x3x6x!q>) {
  %0 = edge.upsample_bilinear2d %x : (tensor<1x2x3x3x!q>) -> tensor<1x2x3x6x!q>
  %1 = edge.upsample_bilinear2d %y : (tensor<1x5x3x3x!q>) -> tensor<1x5x3x6x!q>
  func.return %0, %1 : tensor<1x2x3x6x!q>, tensor<1x5x3x6x!q>
}

// 16 convolutions would make a large file.
// CHECK-LABEL: func.func @phases
// CHECK-NOT:     edge.conv_transpose2d
// CHECK:         edge.conv2d
func.func @phases(%x: tensor<1x2x3x3x!q>) -> tensor<1x2x12x12x!q> {
  %0 = edge.upsample_bilinear2d %x : (tensor<1x2x3x3x!q>) -> tensor<1x2x12x12x!q>
  func.return %0 : tensor<1x2x12x12x!q>
}
