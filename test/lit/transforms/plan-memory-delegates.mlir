// RUN: cm-opt %s --pass-pipeline='builtin.module(plan-memory,verify-plan,verify-stage{stage=planned})' --split-input-file | filecheck %s

// The NPU has copied its operand before it writes: its result may overlap the operand in any way.
// The result of a transpose on the core may not.
// CHECK-LABEL: @over_the_operand
// CHECK-SAME:    (%x: tensor<1x4x6x8xi8, #cortex_m.place<arena, 0>>)
// CHECK-SAME:    cortex_m.arena_bytes = 192 : i64, cortex_m.arena_bound = 192 : i64
// CHECK:         %y = ethos_u.delegate "ethos-u55-128"(%x) {
// CHECK-NEXT:    ^bb0(%a: tensor<1x4x6x8xi8>):
// CHECK:         : (tensor<1x4x6x8xi8, #cortex_m.place<arena, 0>>) -> tensor<1x6x4x8xi8, #cortex_m.place<arena, 0>>
func.func @over_the_operand(%x: tensor<1x4x6x8xi8>) -> tensor<1x6x4x8xi8> {
  %y = ethos_u.delegate "ethos-u55-128"(%x) {
  ^bb0(%a: tensor<1x4x6x8xi8>):
    %t = tosa.transpose %a {perms = array<i32: 0, 2, 1, 3>} : (tensor<1x4x6x8xi8>) -> tensor<1x6x4x8xi8>
    ethos_u.yield %t : tensor<1x6x4x8xi8>
  } : (tensor<1x4x6x8xi8>) -> tensor<1x6x4x8xi8>
  func.return %y : tensor<1x6x4x8xi8>
}

// -----

// A result must not overlap an operand that is read again, or another result.
// CHECK-LABEL: @beside_what_is_read_again
// CHECK-SAME:    cortex_m.arena_bytes = 320 : i64, cortex_m.arena_bound = 320 : i64
func.func @beside_what_is_read_again(%x: tensor<8x8xi8>) -> (tensor<8x8xi8>, tensor<8x16xi8>, tensor<16x8xi8>) {
  %y, %z = ethos_u.delegate "ethos-u55-128"(%x) {
  ^bb0(%a: tensor<8x8xi8>):
    %0 = tosa.concat %a, %a {axis = 1 : i32} : (tensor<8x8xi8>, tensor<8x8xi8>) -> tensor<8x16xi8>
    %1 = tosa.concat %a, %a {axis = 0 : i32} : (tensor<8x8xi8>, tensor<8x8xi8>) -> tensor<16x8xi8>
    ethos_u.yield %0, %1 : tensor<8x16xi8>, tensor<16x8xi8>
  } : (tensor<8x8xi8>) -> (tensor<8x16xi8>, tensor<16x8xi8>)
  func.return %x, %y, %z : tensor<8x8xi8>, tensor<8x16xi8>, tensor<16x8xi8>
}

// -----

// A result is made inside the value it is joined into.
// CHECK-LABEL: @joined
// CHECK-SAME:    cortex_m.arena_bytes = 128 : i64
func.func @joined(%x: tensor<8x8xi8>, %y: tensor<8x8xi8>) -> tensor<16x8xi8> {
  %r = ethos_u.delegate "ethos-u55-128"(%x) {
  ^bb0(%a: tensor<8x8xi8>):
    %0 = tosa.reverse %a {axis = 0 : i32} : (tensor<8x8xi8>) -> tensor<8x8xi8>
    ethos_u.yield %0 : tensor<8x8xi8>
  } : (tensor<8x8xi8>) -> tensor<8x8xi8>
  %j = cortex_m.join %r, %y : (tensor<8x8xi8>, tensor<8x8xi8>) -> tensor<16x8xi8>
  func.return %j : tensor<16x8xi8>
}
