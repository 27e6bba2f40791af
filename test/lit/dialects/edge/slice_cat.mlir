// RUN: ROUNDTRIP

// CHECK-LABEL: func.func @parts
func.func @parts(%x: tensor<2x6xf32>, %a: tensor<1x6xi8>) -> tensor<2x9xf32> {
  // CHECK-NEXT: edge.slice %x {dim = 1 : i64, start = 2 : i64} : (tensor<2x6xf32>) -> tensor<2x3xf32>
  %0 = edge.slice %x {dim = 1 : i64, start = 2 : i64} : (tensor<2x6xf32>) -> tensor<2x3xf32>
  // CHECK-NEXT: edge.cat %x, %0 {dim = 1 : i64} : (tensor<2x6xf32>, tensor<2x3xf32>) -> tensor<2x9xf32>
  %1 = edge.cat %x, %0 {dim = 1 : i64} : (tensor<2x6xf32>, tensor<2x3xf32>) -> tensor<2x9xf32>
  func.return %1 : tensor<2x9xf32>
}
