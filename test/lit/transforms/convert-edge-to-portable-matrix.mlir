// RUN: cm-opt %s -p convert-edge-to-portable | filecheck %s

// CHECK-LABEL: func.func @matrices
// CHECK-NEXT:    edge.call "aten.mm.default"(%x, %y)
// CHECK-NEXT:    edge.call "aten._softmax.default"({{.*}}) {arguments = [#edge.operand<0>, 0 : i64, false]
func.func @matrices(%x: tensor<3x4xf32>, %y: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %0 = edge.matmul %x, %y {transposed_rhs = false} : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  %1 = edge.softmax %0 {dim = 0 : i64} : (tensor<3x5xf32>) -> tensor<3x5xf32>
  func.return %1 : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @batches
// CHECK-NEXT:    %[[T:.*]] = edge.call "aten.permute_copy.default"(%y) {arguments = [#edge.operand<0>, [0 : i64, 1 : i64, 3 : i64, 2 : i64]]
// CHECK-NEXT:    %[[A:.*]] = edge.reshape %x {{.*}} -> tensor<6x3x4xf32>
// CHECK-NEXT:    %[[B:.*]] = edge.reshape %[[T]] {{.*}} -> tensor<6x4x5xf32>
// CHECK-NEXT:    edge.call "aten.bmm.default"(%[[A]], %[[B]])
func.func @batches(%x: tensor<2x3x3x4xf32>, %y: tensor<2x3x5x4xf32>) -> tensor<2x3x3x5xf32> {
  %0 = edge.matmul %x, %y {transposed_rhs = true} : (tensor<2x3x3x4xf32>, tensor<2x3x5x4xf32>) -> tensor<2x3x3x5xf32>
  func.return %0 : tensor<2x3x3x5xf32>
}
