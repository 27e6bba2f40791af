// RUN: cm-opt %s --pass-pipeline='builtin.module(order-operators{most-states=1})' | filecheck %s

// The search ends at its limit and says so. The order stays valid.
// CHECK-LABEL: @limit
// CHECK-SAME:  cortex_m.order_limit = "the order of operators is the best of 1 states: {{[0-9,]+}} bytes are live, and at least {{[0-9,]+}} are in every order"
func.func @limit(%x: tensor<8x4xi8>) -> (tensor<4x8xi8>, tensor<4x8xi8>) {
  %a = cortex_m.pad %x {pre_pad = array<i64: 0, 0, 120, 0>, post_pad = array<i64: 0, 0, 0, 0>, pad_value = 0 : i32} : (tensor<8x4xi8>) -> tensor<128x4xi8>
  %b = cortex_m.pad %x {pre_pad = array<i64: 0, 0, 0, 0>, post_pad = array<i64: 0, 0, 240, 0>, pad_value = 1 : i32} : (tensor<8x4xi8>) -> tensor<248x4xi8>
  %a8 = cortex_m.subview %a {offset = 480 : i64} : (tensor<128x4xi8>) -> tensor<8x4xi8>
  %b8 = cortex_m.subview %b {offset = 0 : i64} : (tensor<248x4xi8>) -> tensor<8x4xi8>
  %c = cortex_m.transpose %a8 {perm = array<i64: 1, 0>} : (tensor<8x4xi8>) -> tensor<4x8xi8>
  %d = cortex_m.transpose %b8 {perm = array<i64: 1, 0>} : (tensor<8x4xi8>) -> tensor<4x8xi8>
  func.return %c, %d : tensor<4x8xi8>, tensor<4x8xi8>
}
