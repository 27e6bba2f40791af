// RUN: ROUNDTRIP

// CHECK-LABEL: @reductions
// CHECK-NEXT:    edge.mean %x {dims = array<i64: 0, 2>} : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
// CHECK-NEXT:    edge.sum %x {dims = array<i64: 1>} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
// CHECK-NEXT:    edge.amax %q {dims = array<i64: 0>} : (tensor<4x!quant.uniform<i8:f32, 0.1>>) -> tensor<1x!quant.uniform<i8:f32, 0.2>>
// CHECK-NEXT:    edge.amin %x {dims = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<1x1x1xf32>
func.func @reductions(%x: tensor<2x3x4xf32>, %q: tensor<4x!quant.uniform<i8:f32, 0.1>>) {
  %0 = edge.mean %x {dims = array<i64: 0, 2>} : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
  %1 = edge.sum %x {dims = array<i64: 1>} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  %2 = edge.amax %q {dims = array<i64: 0>} : (tensor<4x!quant.uniform<i8:f32, 0.1>>) -> tensor<1x!quant.uniform<i8:f32, 0.2>>
  %3 = edge.amin %x {dims = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<1x1x1xf32>
  func.return
}
