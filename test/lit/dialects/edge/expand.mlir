// RUN: ROUNDTRIP

!q = !quant.uniform<i8:f32, 0.1>

// Dimensions of size 1 are repeated; new ones go in front.
// CHECK-LABEL: @expand
// CHECK-NEXT:    edge.expand %x : (tensor<2x1xf32>) -> tensor<3x2x4xf32>
// CHECK-NEXT:    edge.expand %q : (tensor<1x!quant.uniform<i8:f32, 0.1>>) -> tensor<4x!quant.uniform<i8:f32, 0.1>>
func.func @expand(%x: tensor<2x1xf32>, %q: tensor<1x!q>) {
  %0 = edge.expand %x : (tensor<2x1xf32>) -> tensor<3x2x4xf32>
  %1 = edge.expand %q : (tensor<1x!q>) -> tensor<4x!q>
  func.return
}
