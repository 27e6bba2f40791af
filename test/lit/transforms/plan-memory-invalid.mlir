// RUN: cm-opt %s --pass-pipeline='builtin.module(plan-memory)' --split-input-file --verify-diagnostics -o /dev/null

// Only the cortex_m stage is planned: in other stages a place would replace the memory order.

func.func @forward(%x: tensor<4xf32>) -> tensor<4x!quant.uniform<i8:f32, 0.5>> {
  // expected-error@+1 {{'quant.qcast' op does not belong to stage cortex_m}}
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  func.return %0 : tensor<4x!quant.uniform<i8:f32, 0.5>>
}

// -----

// expected-error@+1 {{'func.func' op argument 0 must be a tensor, got i32}}
func.func @forward(%x: i32) {
  func.return
}

// -----

func.func @parts(%x: tensor<4x3xi8>, %y: tensor<6xi8>) -> tensor<3x3xi8> {
  %0 = cortex_m.subview %x {offset = 3 : i64} : (tensor<4x3xi8>) -> tensor<3xi8>
  // expected-error@+1 {{'cortex_m.join' op an operand cannot be placed inside the joined value; run copy-joined-operands}}
  %1 = cortex_m.join %0, %y : (tensor<3xi8>, tensor<6xi8>) -> tensor<3x3xi8>
  func.return %1 : tensor<3x3xi8>
}

// -----

// A constant is in the program file, not inside the joined value.
func.func @constant(%x: tensor<3xi8>) -> tensor<6xi8> {
  %c = arith.constant dense<6> : tensor<3xi8>
  // expected-error@+1 {{'cortex_m.join' op an operand cannot be placed inside the joined value; run copy-joined-operands}}
  %0 = cortex_m.join %x, %c : (tensor<3xi8>, tensor<3xi8>) -> tensor<6xi8>
  func.return %0 : tensor<6xi8>
}

// -----

// A view of a constant has no bytes in the arena. Canonicalization makes a constant of it.
func.func @view(%x: tensor<10xi8>) -> tensor<10xi8> {
  %c = arith.constant dense<1> : tensor<2x5xi8>
  // expected-error@+1 {{'cortex_m.view' op is a view of a constant, which has no place; run canonicalize before plan-memory}}
  %0 = cortex_m.view %c : (tensor<2x5xi8>) -> tensor<10xi8>
  func.return %0 : tensor<10xi8>
}
