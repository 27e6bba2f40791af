// RUN: cm-opt %s -p 'delegate-to-ethos-u{npu="ethos-u55-128"}' | filecheck %s

// Operators on integers that are not quantized are part of delegates, if TOSA defines their results.

// A clamp of int32 is a maximum and a minimum: the bounds of tosa.clamp have 16 bits.
// CHECK-LABEL: func.func @clamp
// CHECK:       ethos_u.delegate
// CHECK:       tosa.maximum
// CHECK:       tosa.minimum
func.func @clamp(%x: tensor<2x3xi32>, %high: tensor<3xi32>) -> tensor<2x3xi32> {
  %low = arith.constant dense<-10> : tensor<i64>
  %y = edge.call "aten.clamp.Tensor"(%x, %low, %high) {arguments = [#edge.operand<0>, #edge.operand<1>, #edge.operand<2>]} : (tensor<2x3xi32>, tensor<i64>, tensor<3xi32>) -> tensor<2x3xi32>
  func.return %y : tensor<2x3xi32>
}

// A function of one int8 is a table.
// CHECK-LABEL: func.func @table
// CHECK:       tosa.table
// CHECK-NEXT:  ethos_u.yield
func.func @table(%x: tensor<4xi8>) -> tensor<4xi8> {
  %y = edge.call "aten.bitwise_left_shift.Tensor_Scalar"(%x) {arguments = [#edge.operand<0>, 3 : i64]} : (tensor<4xi8>) -> tensor<4xi8>
  func.return %y : tensor<4xi8>
}

// The NPU rounds what it shifts to the right, so half of a unit is subtracted before, which the
// lowest numbers have no room for.
// CHECK-LABEL: func.func @right
// CHECK:       tosa.maximum
// CHECK:       tosa.sub
// CHECK:       tosa.arithmetic_right_shift {{.*}}round = true
func.func @right(%x: tensor<4xi32>) -> tensor<4xi32> {
  %y = edge.call "aten.bitwise_right_shift.Tensor_Scalar"(%x) {arguments = [#edge.operand<0>, 2 : i64]} : (tensor<4xi32>) -> tensor<4xi32>
  func.return %y : tensor<4xi32>
}

// The bits above an int16 are shifted out and the sign is shifted back.
// CHECK-LABEL: func.func @left
// CHECK:       dense<20>
// CHECK:       tosa.logical_left_shift
// CHECK:       dense<16>
// CHECK:       tosa.arithmetic_right_shift
// CHECK:       tosa.rescale {{.*}} -> tensor<4xi16>
func.func @left(%x: tensor<4xi16>) -> tensor<4xi16> {
  %y = edge.call "aten.bitwise_left_shift.Tensor_Scalar"(%x) {arguments = [#edge.operand<0>, 4 : i64]} : (tensor<4xi16>) -> tensor<4xi16>
  func.return %y : tensor<4xi16>
}

// Products of int32 may overflow, except where they were int8 before.
// CHECK-LABEL: func.func @product
// CHECK:       tosa.mul
// CHECK:       edge.call "aten.mul.Tensor"{{.*}}ethos_u.reason = "its result may overflow int32, and an NPU is not known to wrap"
func.func @product(%x: tensor<4xi8>) -> tensor<4xi32> {
  %w = edge.call "aten._to_copy.default"(%x) {arguments = [#edge.operand<0>, "int32", none, none, none, false, none]} : (tensor<4xi8>) -> tensor<4xi32>
  %two = edge.call "aten.mul.Tensor"(%w, %w) {arguments = [#edge.operand<0>, #edge.operand<1>]} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %four = edge.call "aten.mul.Tensor"(%two, %two) {arguments = [#edge.operand<0>, #edge.operand<1>]} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %eight = edge.call "aten.mul.Tensor"(%four, %two) {arguments = [#edge.operand<0>, #edge.operand<1>]} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  func.return %eight : tensor<4xi32>
}

// A slice is part of the delegate that computes with it.
// CHECK-LABEL: func.func @slice
// CHECK-NOT:   edge.take
// CHECK:       tosa.slice
// CHECK:       tosa.clamp
func.func @slice(%x: tensor<2x6xi8>) -> tensor<2x3xi8> {
  %s = edge.take %x {dim = 1 : i64, indices = array<i64: 0, 2, 4>} : (tensor<2x6xi8>) -> tensor<2x3xi8>
  %y = edge.call "aten.clamp.default"(%s) {arguments = [#edge.operand<0>, -3 : i64, 7 : i64]} : (tensor<2x3xi8>) -> tensor<2x3xi8>
  func.return %y : tensor<2x3xi8>
}

// A slice alone stays on the core.
// CHECK-LABEL: func.func @slice_alone
// CHECK:       edge.take {{.*}}ethos_u.reason = "it only moves data; a call of the NPU would copy as much"
func.func @slice_alone(%x: tensor<2x6xi8>) -> tensor<2x3xi8> {
  %s = edge.take %x {dim = 1 : i64, indices = array<i64: 0, 2, 4>} : (tensor<2x6xi8>) -> tensor<2x3xi8>
  func.return %s : tensor<2x3xi8>
}

// Integers of other types are for the core.
// CHECK-LABEL: func.func @long
// CHECK:       edge.call "aten.clamp.default"{{.*}}ethos_u.reason = "aten.clamp.default has no lowering to TOSA for i64"
func.func @long(%x: tensor<4xi64>) -> tensor<4xi64> {
  %y = edge.call "aten.clamp.default"(%x) {arguments = [#edge.operand<0>, -3 : i64, 7 : i64]} : (tensor<4xi64>) -> tensor<4xi64>
  func.return %y : tensor<4xi64>
}

// The product is known to fit from a cast and a clamp, one of which is in another delegate.
// CHECK-LABEL: func.func @two_delegates
// CHECK:       ethos_u.delegate
// CHECK:       edge.call "aten.cumsum.default"
// CHECK:       ethos_u.delegate
// CHECK:       tosa.mul
func.func @two_delegates(%x: tensor<4xi8>) -> tensor<4xi32> {
  %w = edge.call "aten._to_copy.default"(%x) {arguments = [#edge.operand<0>, "int32", none, none, none, false, none]} : (tensor<4xi8>) -> tensor<4xi32>
  %c = edge.call "aten.cumsum.default"(%w) {arguments = [#edge.operand<0>, 0 : i64, "int32"]} : (tensor<4xi32>) -> tensor<4xi32>
  %few = edge.call "aten.clamp.default"(%c) {arguments = [#edge.operand<0>, -5 : i64, 5 : i64]} : (tensor<4xi32>) -> tensor<4xi32>
  %y = edge.call "aten.mul.Tensor"(%w, %few) {arguments = [#edge.operand<0>, #edge.operand<1>]} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  func.return %y : tensor<4xi32>
}
