// RUN: cm-opt %s -p 'delegate-to-ethos-u{npu="ethos-u55-128"}' | filecheck %s

// Divisions that round to integers are products with a reciprocal of two tables.

!x = !quant.uniform<i8:f32, 0.5:-3>
!y = !quant.uniform<i8:f32, 0.25>
!z = !quant.uniform<i8:f32, 1.0>
!wide = !quant.uniform<i16:f32, 1.0e-03>

// Half an integer is taken off, because a rescale rounds to the nearest.
// CHECK-LABEL: func.func @floor
func.func @floor(%x: tensor<2x3x!x>, %y: tensor<3x!y>) -> tensor<2x3x!z> {
  // CHECK-COUNT-2: tosa.table
  // CHECK: tosa.add {{.*}} -> tensor<2x3xi32>
  // CHECK-NOT: tosa.clamp
  // CHECK: tosa.sub
  // CHECK: tosa.rescale {{.*}} -> tensor<2x3xi16>
  // CHECK: tosa.mul
  // CHECK-NEXT: tosa.rescale {{.*}} -> tensor<2x3xi8>
  %0 = edge.floor_divide %x, %y : (tensor<2x3x!x>, tensor<3x!y>) -> tensor<2x3x!z>
  func.return %0 : tensor<2x3x!z>
}

// Towards 0, half an integer is added to negative quotients.
// CHECK-LABEL: func.func @trunc
func.func @trunc(%x: tensor<2x3x!x>, %y: tensor<3x!y>) -> tensor<2x3x!z> {
  // CHECK: tosa.clamp
  // CHECK: tosa.sub
  %0 = edge.trunc_divide %x, %y : (tensor<2x3x!x>, tensor<3x!y>) -> tensor<2x3x!z>
  func.return %0 : tensor<2x3x!z>
}

// The rest of a division by 0 is 0.
// CHECK-LABEL: func.func @remainder
func.func @remainder(%x: tensor<2x3x!x>, %y: tensor<3x!y>) -> tensor<2x3x!z> {
  // CHECK-COUNT-2: tosa.table
  // CHECK: tosa.sub {{.*}} -> tensor<2x3xi32>
  // CHECK: tosa.sub {{.*}} -> tensor<2x3xi32>
  // CHECK: tosa.mul {{.*}} -> tensor<2x3xi32>
  // CHECK: tosa.rescale {{.*}} -> tensor<2x3xi8>
  %0 = edge.remainder %x, %y : (tensor<2x3x!x>, tensor<3x!y>) -> tensor<2x3x!z>
  func.return %0 : tensor<2x3x!z>
}

// CHECK-LABEL: func.func @int16
func.func @int16(%x: tensor<4x!wide>, %y: tensor<4x!wide>) -> tensor<4x!wide> {
  // CHECK: edge.fmod {{.*}}ethos_u.reason = "a division that rounds takes int8"
  %0 = edge.fmod %x, %y : (tensor<4x!wide>, tensor<4x!wide>) -> tensor<4x!wide>
  func.return %0 : tensor<4x!wide>
}
