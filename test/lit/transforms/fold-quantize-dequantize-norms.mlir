// RUN: cm-opt %s -p fold-quantize-dequantize | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-3>
!p = !quant.uniform<i16:f32, 0.001>

// Weight and bias become int32 in steps of a power of two.
// CHECK-LABEL: @norm
// CHECK:         %[[W:.*]] = quant.scast %{{.*}} : tensor<2xi32> to tensor<2x!quant.uniform<i32:f32, 4.656612873077393e-10>>
// CHECK:         %[[B:.*]] = quant.scast %{{.*}} : tensor<2xi32> to tensor<2x!quant.uniform<i32:f32, 1.862645149230957e-09>>
// CHECK-NEXT:    %[[Y:.*]] = edge.layer_norm %x, %[[W]], %[[B]] {inner_dims = 1 : i64, epsilon = 1.000000e-05 : f64, centered = true} : {{.*}} -> tensor<3x2x!quant.uniform<i16:f32, 0.001>>
// CHECK-NEXT:    func.return %[[Y]]
func.func @norm(%x: tensor<3x2x!q>) -> tensor<3x2x!p> {
  %w = arith.constant dense<[0.75, -0.25]> : tensor<2xf32>
  %b = arith.constant dense<[3.0, 0.1]> : tensor<2xf32>
  %0 = quant.dcast %x : tensor<3x2x!q> to tensor<3x2xf32>
  %1 = edge.layer_norm %0, %w, %b {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<3x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %2 = quant.qcast %1 : tensor<3x2xf32> to tensor<3x2x!p>
  func.return %2 : tensor<3x2x!p>
}

// A weight that is not finite has no such type.
// CHECK-LABEL: @infinite
// CHECK:         edge.layer_norm %{{.*}} : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
func.func @infinite(%x: tensor<3x2x!q>) -> tensor<3x2x!p> {
  %w = arith.constant dense<[0x7F800000, 1.0]> : tensor<2xf32>
  %0 = quant.dcast %x : tensor<3x2x!q> to tensor<3x2xf32>
  %1 = edge.layer_norm %0, %w {inner_dims = 1 : i64, epsilon = 1.0e-5 : f64, centered = true} : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %2 = quant.qcast %1 : tensor<3x2xf32> to tensor<3x2x!p>
  func.return %2 : tensor<3x2x!p>
}
