// RUN: cm-opt %s -p canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.1:3>
!f = !quant.uniform<i8:f32, 0.0078740157>

// 127 steps of 1/127 are 1, up to the rounding of the scale.
// CHECK-LABEL: @one
// CHECK-NEXT:    func.return %x
func.func @one(%x: tensor<2x3x!q>) -> tensor<2x3x!q> {
  %c = arith.constant dense<127> : tensor<1xi8>
  %f = quant.scast %c : tensor<1xi8> to tensor<1x!f>
  %0 = edge.mul %x, %f : (tensor<2x3x!q>, tensor<1x!f>) -> tensor<2x3x!q>
  func.return %0 : tensor<2x3x!q>
}

// CHECK-LABEL: @of_a_number
// CHECK-NEXT:    %[[R:.*]] = edge.reshape %x : {{.*}} -> tensor<1x
// CHECK-NEXT:    func.return %[[R]]
func.func @of_a_number(%x: tensor<f32>) -> tensor<1xf32> {
  %c = arith.constant dense<1.0> : tensor<1xf32>
  %0 = edge.mul %c, %x : (tensor<1xf32>, tensor<f32>) -> tensor<1xf32>
  func.return %0 : tensor<1xf32>
}

// The product has another factor, another type or more elements.
// CHECK-LABEL: @others
// CHECK-COUNT-3: edge.mul
func.func @others(%x: tensor<2x3x!q>, %y: tensor<3x!q>) -> (tensor<2x3x!q>, tensor<2x3x!f>, tensor<2x3x!q>) {
  %c = arith.constant dense<126> : tensor<1xi8>
  %f = quant.scast %c : tensor<1xi8> to tensor<1x!f>
  %0 = edge.mul %x, %f : (tensor<2x3x!q>, tensor<1x!f>) -> tensor<2x3x!q>
  %d = arith.constant dense<127> : tensor<2x3xi8>
  %ones = quant.scast %d : tensor<2x3xi8> to tensor<2x3x!f>
  %1 = edge.mul %x, %ones : (tensor<2x3x!q>, tensor<2x3x!f>) -> tensor<2x3x!f>
  %2 = edge.mul %y, %ones : (tensor<3x!q>, tensor<2x3x!f>) -> tensor<2x3x!q>
  func.return %0, %1, %2 : tensor<2x3x!q>, tensor<2x3x!f>, tensor<2x3x!q>
}
