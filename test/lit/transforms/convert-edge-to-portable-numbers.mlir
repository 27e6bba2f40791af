// RUN: cm-opt %s -p convert-edge-to-portable | filecheck %s

// PyTorch wraps a number to the integers of a call. The kernels fail, or take the number itself.
// CHECK-LABEL: @wrapped
// CHECK-NEXT:    edge.call "aten.clamp.default"(%x) {arguments = [#edge.operand<0>, 253 : i64, 4 : i64]
// CHECK-NEXT:    edge.call "aten.add.Tensor"(%x, %0) {arguments = [#edge.operand<0>, #edge.operand<1>, 255 : i64]
// CHECK-NEXT:    edge.call "aten.fmod.Scalar"(%1) {arguments = [#edge.operand<0>, 44 : i64]
func.func @wrapped(%x: tensor<4xui8>) -> tensor<4xui8> {
  %0 = edge.call "aten.clamp.default"(%x) {arguments = [#edge.operand<0>, -3 : i64, 4 : i64]} : (tensor<4xui8>) -> tensor<4xui8>
  %1 = edge.call "aten.add.Tensor"(%x, %0) {arguments = [#edge.operand<0>, #edge.operand<1>, -1 : i64]} : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  %2 = edge.call "aten.fmod.Scalar"(%1) {arguments = [#edge.operand<0>, 300 : i64]} : (tensor<4xui8>) -> tensor<4xui8>
  func.return %2 : tensor<4xui8>
}

// A quotient of floats does not wrap its divisor.
// CHECK-LABEL: @quotient
// CHECK-NEXT:    edge.call "aten.div.Tensor"(%x) {arguments = [#edge.operand<0>, -3.000000e+00 : f64]
func.func @quotient(%x: tensor<4xui8>) -> tensor<4xf32> {
  %0 = edge.call "aten.div.Tensor"(%x) {arguments = [#edge.operand<0>, -3 : i64]} : (tensor<4xui8>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// The kernel copies the bytes of operands that are as wide as the result.
// CHECK-LABEL: @joined
// CHECK-NEXT:    %[[C:.*]] = edge.call "aten._to_copy.default"(%y) {arguments = [#edge.operand<0>, "float32", {{.*}} : (tensor<4xi32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.call "aten.cat.default"(%x, %[[C]], %z)
func.func @joined(%x: tensor<4xf32>, %y: tensor<4xi32>, %z: tensor<4xi8>) -> tensor<12xf32> {
  %0 = edge.call "aten.cat.default"(%x, %y, %z) {arguments = [[#edge.operand<0>, #edge.operand<1>, #edge.operand<2>], 0 : i64]} : (tensor<4xf32>, tensor<4xi32>, tensor<4xi8>) -> tensor<12xf32>
  func.return %0 : tensor<12xf32>
}

// x^5 = (x^2)^2 x: the kernel computes powers as doubles, which do not wrap.
// CHECK-LABEL: @power
// CHECK-NEXT:    %[[P2:.*]] = edge.call "aten.mul.Tensor"(%x, %x)
// CHECK-NEXT:    %[[P4:.*]] = edge.call "aten.mul.Tensor"(%[[P2]], %[[P2]])
// CHECK-NEXT:    %[[P5:.*]] = edge.call "aten.mul.Tensor"(%[[P4]], %x)
// CHECK-NEXT:    %[[E:.*]] = edge.call "aten._to_copy.default"(%[[P5]]) {arguments = [#edge.operand<0>, "int64"
// CHECK-NEXT:    %[[W:.*]] = edge.call "aten.pow.Scalar"(%[[E]]) {arguments = [2 : i64, #edge.operand<0>]{{.*}} -> tensor<4xi64>
// CHECK-NEXT:    edge.call "aten._to_copy.default"(%[[W]]) {arguments = [#edge.operand<0>, "int32"
func.func @power(%x: tensor<4xi32>) -> tensor<4xi32> {
  %0 = edge.call "aten.pow.Tensor_Scalar"(%x) {arguments = [#edge.operand<0>, 5 : i64]} : (tensor<4xi32>) -> tensor<4xi32>
  %1 = edge.call "aten.pow.Scalar"(%0) {arguments = [2 : i64, #edge.operand<0>]} : (tensor<4xi32>) -> tensor<4xi32>
  func.return %1 : tensor<4xi32>
}

// A count outside of the type shifts all bits out.
// CHECK-LABEL: @shift
// CHECK-NEXT:    %[[N:.*]] = edge.call "aten.ge.Scalar"(%y) {arguments = [#edge.operand<0>, 0 : i64]
// CHECK-NEXT:    %[[M:.*]] = edge.call "aten.le.Scalar"(%y) {arguments = [#edge.operand<0>, 31 : i64]
// CHECK-NEXT:    %[[B:.*]] = edge.call "aten.logical_and.default"(%[[N]], %[[M]])
// CHECK-NEXT:    %[[K:.*]] = edge.call "aten.mul.Tensor"(%x, %[[B]])
// CHECK-NEXT:    %[[C:.*]] = edge.call "aten.clamp.default"(%y) {arguments = [#edge.operand<0>, -1 : i64, 31 : i64]
// CHECK-NEXT:    %[[A:.*]] = edge.call "aten.bitwise_and.Scalar"(%[[C]]) {arguments = [#edge.operand<0>, 127 : i64]
// CHECK-NEXT:    %[[P:.*]] = edge.call "aten.clamp.default"(%[[A]]) {arguments = [#edge.operand<0>, 0 : i64, 31 : i64]
// CHECK-NEXT:    %[[L:.*]] = edge.call "aten.bitwise_left_shift.Tensor"(%[[K]], %[[P]])
// CHECK-NEXT:    edge.call "aten.bitwise_right_shift.Tensor_Scalar"(%[[L]]) {arguments = [#edge.operand<0>, 31 : i64]
func.func @shift(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  %0 = edge.call "aten.bitwise_left_shift.Tensor"(%x, %y) {arguments = [#edge.operand<0>, #edge.operand<1>]} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %1 = edge.call "aten.bitwise_right_shift.Tensor_Scalar"(%0) {arguments = [#edge.operand<0>, 40 : i64]} : (tensor<4xi32>) -> tensor<4xi32>
  func.return %1 : tensor<4xi32>
}

// Integers have no NaN, for which alone these differ.
// CHECK-LABEL: @extremum
// CHECK-NEXT:    edge.call "aten.maximum.default"(%x, %y)
func.func @extremum(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  %0 = edge.call "aten.fmax.default"(%x, %y) {arguments = [#edge.operand<0>, #edge.operand<1>]} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  func.return %0 : tensor<4xi32>
}
