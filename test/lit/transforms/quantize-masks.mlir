// RUN: cm-opt %s -p 'quantize-masks{npu="ethos-u55-128"}' | filecheck %s
// RUN: cm-opt %s -p quantize-masks | filecheck %s --check-prefix=CORE

!q = !quant.uniform<i8:f32, 0.5>
!r = !quant.uniform<i8:f32, 0.25:3>
!wide = !quant.uniform<i32:f32, 0.5>

// CORE-NOT: edge.where

// A choice by a comparison of two tensors. `x < y` is `y > x`.
// CHECK-LABEL: func.func @chosen
func.func @chosen(%x: tensor<4x!q>, %y: tensor<4x!r>) -> tensor<4x!q> {
  // CHECK: %[[M:.*]] = edge.greater %y, %x : {{.*}} -> tensor<4x!quant.uniform<i8:f32, 1.0>>
  // CHECK-NEXT: %[[R:.*]] = edge.where %[[M]], %x, %y
  // CHECK: func.return %[[R]]
  %a = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %b = quant.dcast %y : tensor<4x!r> to tensor<4xf32>
  %m = edge.call "aten.lt.Tensor"(%a, %b) {arguments = [#edge.operand<0>, #edge.operand<1>]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %w = edge.call "aten.where.self"(%m, %a, %b) {arguments = [#edge.operand<0>, #edge.operand<1>, #edge.operand<2>]} : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %z = quant.qcast %w : tensor<4xf32> to tensor<4x!q>
  func.return %z : tensor<4x!q>
}

// Masks are joined as numbers, and numbers are constants in a type that has them exactly.
// CHECK-LABEL: func.func @joined
func.func @joined(%x: tensor<4x!q>) -> tensor<4x!q> {
  // CHECK: %[[N:.*]] = quant.scast {{.*}} to tensor<1x!quant.uniform<i8:f32, 2.25>>
  // CHECK: %[[A:.*]] = edge.greater_equal %x, %[[N]]
  // CHECK: %[[B:.*]] = edge.equal %x,
  // CHECK: %[[C:.*]] = edge.equal %[[B]],
  // CHECK: %[[D:.*]] = edge.maximum %[[A]], %[[C]]
  // CHECK: edge.where %[[D]], %x,
  %zero = arith.constant dense<0.0> : tensor<f32>
  %a = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %m = edge.call "aten.ge.Scalar"(%a) {arguments = [#edge.operand<0>, 2.25 : f64]} : (tensor<4xf32>) -> tensor<4xi1>
  %n = edge.call "aten.ne.Scalar"(%a) {arguments = [#edge.operand<0>, 1 : i64]} : (tensor<4xf32>) -> tensor<4xi1>
  %o = edge.call "aten.logical_or.default"(%m, %n) {arguments = [#edge.operand<0>, #edge.operand<1>]} : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %w = edge.call "aten.where.self"(%o, %a, %zero) {arguments = [#edge.operand<0>, #edge.operand<1>, #edge.operand<2>]} : (tensor<4xi1>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %z = quant.qcast %w : tensor<4xf32> to tensor<4x!q>
  func.return %z : tensor<4x!q>
}

// Any other mask is read as bytes.
// CHECK-LABEL: func.func @given
func.func @given(%x: tensor<2x4x!q>, %m: tensor<4xi1>) -> tensor<2x4x!q> {
  // CHECK: %[[B:.*]] = edge.bitcast %m : (tensor<4xi1>) -> tensor<4xi8>
  // CHECK-NEXT: %[[M:.*]] = quant.scast %[[B]] : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32, 1.0>>
  // CHECK: edge.where %[[M]]
  %zero = arith.constant dense<0.0> : tensor<f32>
  %a = quant.dcast %x : tensor<2x4x!q> to tensor<2x4xf32>
  %w = edge.call "aten.where.self"(%m, %zero, %a) {arguments = [#edge.operand<0>, #edge.operand<1>, #edge.operand<2>]} : (tensor<4xi1>, tensor<f32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %z = quant.qcast %w : tensor<2x4xf32> to tensor<2x4x!q>
  func.return %z : tensor<2x4x!q>
}

// A choice between tensors that are not of 8 or 16 bits stays.
// CHECK-LABEL: func.func @left
func.func @left(%x: tensor<4x!wide>, %y: tensor<4x!q>, %m: tensor<4xi1>) -> tensor<4x!q> {
  // CHECK-NOT: edge.where
  %a = quant.dcast %x : tensor<4x!wide> to tensor<4xf32>
  %b = quant.dcast %y : tensor<4x!q> to tensor<4xf32>
  %w = edge.call "aten.where.self"(%m, %a, %b) {arguments = [#edge.operand<0>, #edge.operand<1>, #edge.operand<2>]} : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %z = quant.qcast %w : tensor<4xf32> to tensor<4x!q>
  func.return %z : tensor<4x!q>
}
