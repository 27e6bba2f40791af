// RUN: ROUNDTRIP

// CHECK-LABEL: func.func @parts
func.func @parts(%x: tensor<4x3xi8>, %y: tensor<6xi8>) -> tensor<3x3xi8> {
  // CHECK-NEXT: cortex_m.subview %x {offset = 3 : i64} : (tensor<4x3xi8>) -> tensor<3xi8>
  %0 = cortex_m.subview %x {offset = 3 : i64} : (tensor<4x3xi8>) -> tensor<3xi8>
  // CHECK-NEXT: cortex_m.join %0, %y : (tensor<3xi8>, tensor<6xi8>) -> tensor<3x3xi8>
  %1 = cortex_m.join %0, %y : (tensor<3xi8>, tensor<6xi8>) -> tensor<3x3xi8>
  func.return %1 : tensor<3x3xi8>
}
