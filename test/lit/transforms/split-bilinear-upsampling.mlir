// RUN: cm-opt %s -p split-bilinear-upsampling | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-1>

// Nearest by 2 × 3 with its borders, then the filter [1, 2, 1] ⊗ [1, 1, 1], in steps of a 12th.
// CHECK-LABEL: func.func @forward
// CHECK-NEXT:    %[[W:.*]] = edge.take %x {dim = 3 : i64, indices = array<i64: 0, 0, 0, 0, 1, 1, 1, 1>}
// CHECK-NEXT:    %[[H:.*]] = edge.take %[[W]] {dim = 2 : i64, indices = array<i64: 0, 0, 0, 1, 1, 1>}
// CHECK-NEXT:    arith.constant dense<{{\[\[\[\[}}1, 1, 1], [2, 2, 2], [1, 1, 1]]]]> : tensor<1x1x3x3xi8>
// CHECK-NEXT:    quant.scast {{.*}}!quant.uniform<i8:f32, 0.083333
// CHECK-NEXT:    edge.conv2d %[[H]], {{.*}}padding = array<i64: 0, 0, 0, 0>{{.*}}groups = 1 : i64
func.func @forward(%x: tensor<1x1x2x2x!q>) -> tensor<1x1x4x6x!q> {
  %0 = edge.upsample_bilinear2d %x : (tensor<1x1x2x2x!q>) -> tensor<1x1x4x6x!q>
  func.return %0 : tensor<1x1x4x6x!q>
}

// CHECK-LABEL: func.func @floats
// CHECK-NEXT:    edge.upsample_bilinear2d
func.func @floats(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x4x6xf32> {
  %0 = edge.upsample_bilinear2d %x : (tensor<1x1x2x2xf32>) -> tensor<1x1x4x6xf32>
  func.return %0 : tensor<1x1x4x6xf32>
}
