// RUN: ROUNDTRIP

// CHECK-LABEL: @numbers
// CHECK-NEXT:    edge.leaky_relu %x {negative_slope = 1.250000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.elu %x {alpha = 1.000000e+00 : f32, scale = 2.000000e+00 : f32, input_scale = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.pow %x {exponent = 3.000000e+00 : f32} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.softplus %x {beta = 1.000000e+00 : f32, threshold = 2.000000e+01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
func.func @numbers(%x: tensor<4xf32>) {
  %0 = edge.leaky_relu %x {negative_slope = 0.125 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.elu %x {alpha = 1.0 : f32, scale = 2.0 : f32, input_scale = 0.5 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.pow %x {exponent = 3.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %3 = edge.softplus %x {beta = 1.0 : f32, threshold = 20.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// CHECK-LABEL: @plain
// CHECK-NEXT:    edge.exp %x : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.log_sigmoid %q : (tensor<4x!quant.uniform<i8:f32, 0.1>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>>
func.func @plain(%x: tensor<4xf32>, %q: tensor<4x!quant.uniform<i8:f32, 0.1>>) {
  %0 = edge.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.log_sigmoid %q : (tensor<4x!quant.uniform<i8:f32, 0.1>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>>
  func.return
}
