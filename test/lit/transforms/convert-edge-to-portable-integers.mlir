// RUN: cm-opt %s -p convert-edge-to-portable | filecheck %s

// PyTorch takes int32 indices here, and the kernel does not.
// CHECK-LABEL: @indices
// CHECK-NEXT:    %[[W:.*]] = edge.call "aten._to_copy.default"(%i) {arguments = [#edge.operand<0>, "int64", {{.*}} : (tensor<2x1xi32>) -> tensor<2x1xi64>
// CHECK-NEXT:    edge.call "aten.gather.default"(%x, %[[W]])
// CHECK-NEXT:    %[[C:.*]] = arith.constant dense<{{.*}}> : tensor<1x1xi64>
// CHECK-NEXT:    edge.call "aten.scatter_add.default"(%x, %[[C]], %{{.*}})
func.func @indices(%x: tensor<2x3xf32>, %i: tensor<2x1xi32>) -> tensor<2x3xf32> {
  %c = arith.constant dense<1> : tensor<1x1xi32>
  %0 = edge.call "aten.gather.default"(%x, %i) {arguments = [#edge.operand<0>, 1 : i64, #edge.operand<1>, false]} : (tensor<2x3xf32>, tensor<2x1xi32>) -> tensor<2x1xf32>
  %1 = edge.call "aten.scatter_add.default"(%x, %c, %0) {arguments = [#edge.operand<0>, 1 : i64, #edge.operand<1>, #edge.operand<2>]} : (tensor<2x3xf32>, tensor<1x1xi32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  func.return %1 : tensor<2x3xf32>
}

// The kernel gives a remainder the sign of the dividend, as C does.
// CHECK-LABEL: @remainder
// CHECK-NEXT:    %[[Q:.*]] = edge.call "aten.floor_divide.default"(%x, %y)
// CHECK-NEXT:    %[[P:.*]] = edge.call "aten.mul.Tensor"(%[[Q]], %y)
// CHECK-NEXT:    %[[A:.*]] = edge.call "aten.sub.Tensor"(%x, %[[P]]) {arguments = [#edge.operand<0>, #edge.operand<1>, 1 : i64]
// CHECK-NEXT:    %[[R:.*]] = edge.call "aten.floor_divide.default"(%[[A]]) {arguments = [#edge.operand<0>, -3 : i64]
// CHECK-NEXT:    %[[S:.*]] = edge.call "aten.mul.Tensor"(%[[R]]) {arguments = [#edge.operand<0>, -3 : i64]
// CHECK-NEXT:    edge.call "aten.sub.Tensor"(%[[A]], %[[S]])
func.func @remainder(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  %0 = edge.call "aten.remainder.Tensor"(%x, %y) {arguments = [#edge.operand<0>, #edge.operand<1>]} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %1 = edge.call "aten.remainder.Scalar"(%0) {arguments = [#edge.operand<0>, -3 : i64]} : (tensor<4xi32>) -> tensor<4xi32>
  func.return %1 : tensor<4xi32>
}

// Unsigned and float remainders are those of PyTorch.
// CHECK-LABEL: @kept
// CHECK-NEXT:    edge.call "aten.remainder.Scalar"(%x)
// CHECK-NEXT:    edge.call "aten.remainder.Scalar"(%y)
func.func @kept(%x: tensor<4xui8>, %y: tensor<4xf32>) -> (tensor<4xui8>, tensor<4xf32>) {
  %0 = edge.call "aten.remainder.Scalar"(%x) {arguments = [#edge.operand<0>, 3 : i64]} : (tensor<4xui8>) -> tensor<4xui8>
  %1 = edge.call "aten.remainder.Scalar"(%y) {arguments = [#edge.operand<0>, 3.0 : f64]} : (tensor<4xf32>) -> tensor<4xf32>
  func.return %0, %1 : tensor<4xui8>, tensor<4xf32>
}

// "aten.sum.default" has no kernel. "aten.sum.dim_IntList" has one.
// CHECK-LABEL: @sum
// CHECK-NEXT:    edge.call "aten.sum.dim_IntList"(%x) {arguments = [#edge.operand<0>, [], false, none]
func.func @sum(%x: tensor<4xi32>) -> tensor<i64> {
  %0 = edge.call "aten.sum.default"(%x) {arguments = [#edge.operand<0>, none]} : (tensor<4xi32>) -> tensor<i64>
  func.return %0 : tensor<i64>
}
