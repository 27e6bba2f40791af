// RUN: cm-opt %s --pass-pipeline='builtin.module(order-operators,plan-memory,verify-plan)' --split-input-file | filecheck %s

// Two branches widen the input and narrow it again. One after the other, only one wide value is live.
// CHECK-LABEL: @branch_by_branch
// CHECK-SAME:  attributes {cortex_m.order_bound = 1056 : i64, cortex_m.arena_bytes = 1056 : i64, cortex_m.arena_bound = 1056 : i64}
// CHECK:       pre_pad
// CHECK-NEXT:  cortex_m.subview
// CHECK-NEXT:  cortex_m.transpose
// CHECK-NEXT:  pre_pad
// CHECK-NEXT:  cortex_m.subview
// CHECK-NEXT:  cortex_m.transpose
// CHECK-NEXT:  func.return
func.func @branch_by_branch(%x: tensor<8x4xi8>) -> (tensor<4x8xi8>, tensor<4x8xi8>) {
  %a = cortex_m.pad %x {pre_pad = array<i64: 0, 0, 120, 0>, post_pad = array<i64: 0, 0, 0, 0>, pad_value = 0 : i32} : (tensor<8x4xi8>) -> tensor<128x4xi8>
  %b = cortex_m.pad %x {pre_pad = array<i64: 0, 0, 0, 0>, post_pad = array<i64: 0, 0, 240, 0>, pad_value = 1 : i32} : (tensor<8x4xi8>) -> tensor<248x4xi8>
  %a8 = cortex_m.subview %a {offset = 480 : i64} : (tensor<128x4xi8>) -> tensor<8x4xi8>
  %b8 = cortex_m.subview %b {offset = 0 : i64} : (tensor<248x4xi8>) -> tensor<8x4xi8>
  %c = cortex_m.transpose %a8 {perm = array<i64: 1, 0>} : (tensor<8x4xi8>) -> tensor<4x8xi8>
  %d = cortex_m.transpose %b8 {perm = array<i64: 1, 0>} : (tensor<8x4xi8>) -> tensor<4x8xi8>
  func.return %c, %d : tensor<4x8xi8>, tensor<4x8xi8>
}

// -----

// The given order stays if no other is better.
// CHECK-LABEL: @stays
// CHECK-SAME:  cortex_m.order_bound = 96 : i64
// CHECK:       perm = array<i64: 1, 0>
// CHECK-NEXT:  cortex_m.maximum
func.func @stays(%x: tensor<4x8xi8>, %y: tensor<32xi8>) -> (tensor<8x4xi8>, tensor<32xi8>) {
  %0 = cortex_m.transpose %x {perm = array<i64: 1, 0>} : (tensor<4x8xi8>) -> tensor<8x4xi8>
  %1 = cortex_m.maximum %y, %y : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
  func.return %0, %1 : tensor<8x4xi8>, tensor<32xi8>
}

// -----

// Scratch and views move with their operator.
// CHECK-LABEL: @scratch_moves
// CHECK-NEXT:  cortex_m.scratch
// CHECK-NEXT:  cortex_m.quantized_avg_pool2d
// CHECK-NEXT:  cortex_m.pad
// CHECK-NEXT:  cortex_m.subview
// CHECK-NEXT:  cortex_m.maximum
func.func @scratch_moves(%x: tensor<1x4x4x16xi8>, %y: tensor<1x1x1x16xi8>) -> (tensor<1x1x1x16xi8>, tensor<1x1x1x16xi8>) {
  %w = cortex_m.pad %y {pre_pad = array<i64: 0, 0, 0, 0>, post_pad = array<i64: 0, 0, 7, 0>, pad_value = 0 : i32} : (tensor<1x1x1x16xi8>) -> tensor<1x1x8x16xi8>
  %scratch = cortex_m.scratch : tensor<512xi8>
  %0 = cortex_m.quantized_avg_pool2d %x scratch %scratch {kernel_size = array<i64: 4, 4>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x4x4x16xi8>, tensor<512xi8>) -> tensor<1x1x1x16xi8>
  %s = cortex_m.subview %w {offset = 0 : i64} : (tensor<1x1x8x16xi8>) -> tensor<1x1x1x16xi8>
  %1 = cortex_m.maximum %s, %s : (tensor<1x1x1x16xi8>, tensor<1x1x1x16xi8>) -> tensor<1x1x1x16xi8>
  func.return %0, %1 : tensor<1x1x1x16xi8>, tensor<1x1x1x16xi8>
}
