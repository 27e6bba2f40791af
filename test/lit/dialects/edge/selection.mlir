// RUN: ROUNDTRIP

// CHECK-LABEL: func.func @selection
func.func @selection(%x: tensor<2x3xf32>) -> tensor<4x4xf32> {
  // CHECK-NEXT: edge.take %x {dim = 1 : i64, indices = array<i64: 2, 0, 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = edge.take %x {dim = 1 : i64, indices = array<i64: 2, 0, 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK-NEXT: edge.pad %0 {low = array<i64: 2, 0>, high = array<i64: 0, 1>, value = 5.000000e-01 : f32} : (tensor<2x3xf32>) -> tensor<4x4xf32>
  %1 = edge.pad %0 {low = array<i64: 2, 0>, high = array<i64: 0, 1>, value = 0.5 : f32} : (tensor<2x3xf32>) -> tensor<4x4xf32>
  func.return %1 : tensor<4x4xf32>
}

// CHECK-LABEL: func.func @upsample
func.func @upsample(%x: tensor<1x2x3x4xf32>) -> tensor<1x2x6x12xf32> {
  // CHECK-NEXT: edge.upsample_bilinear2d %x : (tensor<1x2x3x4xf32>) -> tensor<1x2x6x12xf32>
  %0 = edge.upsample_bilinear2d %x : (tensor<1x2x3x4xf32>) -> tensor<1x2x6x12xf32>
  func.return %0 : tensor<1x2x6x12xf32>
}
