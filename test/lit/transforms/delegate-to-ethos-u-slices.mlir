// RUN: cm-opt %s -p 'delegate-to-ethos-u{npu="ethos-u55-128"}' | filecheck %s

// Vela aborts on some slices of five dimensions, so dimensions that are not cut are merged.

!t = !quant.uniform<i8:f32, 5.0e-02:-3>

// CHECK-LABEL: func.func @middle
func.func @middle(%x: tensor<2x3x4x5x6x!t>) -> tensor<2x3x2x5x6x!t> {
  // CHECK: tosa.reshape {{.*}} -> tensor<6x4x30xi8>
  // CHECK: tosa.slice {{.*}} -> tensor<6x2x30xi8>
  // CHECK: tosa.reshape {{.*}} -> tensor<2x3x2x5x6xi8>
  %s = edge.slice %x {dim = 2 : i64, start = 1 : i64} : (tensor<2x3x4x5x6x!t>) -> tensor<2x3x2x5x6x!t>
  %y = edge.relu %s : (tensor<2x3x2x5x6x!t>) -> tensor<2x3x2x5x6x!t>
  func.return %y : tensor<2x3x2x5x6x!t>
}

// CHECK-LABEL: func.func @four
func.func @four(%x: tensor<3x4x5x6x!t>) -> tensor<3x2x5x6x!t> {
  // CHECK-NOT: tosa.reshape
  // CHECK: tosa.slice {{.*}} -> tensor<3x2x5x6xi8>
  %s = edge.slice %x {dim = 1 : i64, start = 1 : i64} : (tensor<3x4x5x6x!t>) -> tensor<3x2x5x6x!t>
  %y = edge.relu %s : (tensor<3x2x5x6x!t>) -> tensor<3x2x5x6x!t>
  func.return %y : tensor<3x2x5x6x!t>
}
