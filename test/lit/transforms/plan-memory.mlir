// RUN: cm-opt %s --pass-pipeline='builtin.module(plan-memory,verify-plan)' --split-input-file | filecheck %s

// The result takes the operand's bytes if the kernel allows it.
// CHECK-LABEL: @in_place
// CHECK-SAME:    (%x: tensor<64xi8, #cortex_m.place<arena, 0>>, %y: tensor<64xi8, #cortex_m.place<arena, 64>>) -> tensor<64xi8, #cortex_m.place<arena, 0>> attributes {cortex_m.arena_bytes = 128 : i64, cortex_m.arena_bound = 128 : i64}
// CHECK-NEXT:    %0 = cortex_m.maximum %x, %y : {{.*}} -> tensor<64xi8, #cortex_m.place<arena, 0>>
func.func @in_place(%x: tensor<64xi8>, %y: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cortex_m.maximum %x, %y : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  func.return %0 : tensor<64xi8>
}

// -----

// A result does not overwrite an operand that is read again.
// CHECK-LABEL: @read_again
// CHECK-SAME:    cortex_m.arena_bytes = 192 : i64
func.func @read_again(%x: tensor<64xi8>, %y: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>, tensor<64xi8>) {
  %0 = cortex_m.maximum %x, %y : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  func.return %0, %x, %y : tensor<64xi8>, tensor<64xi8>, tensor<64xi8>
}

// -----

// A transpose does not read in the order in which it writes: its result has its own bytes.
// CHECK-LABEL: @not_in_place
// CHECK-SAME:    cortex_m.arena_bytes = 96 : i64
func.func @not_in_place(%x: tensor<8x6xi8>) -> tensor<6x8xi8> {
  %0 = cortex_m.transpose %x {perm = array<i64: 1, 0>} : (tensor<8x6xi8>) -> tensor<6x8xi8>
  func.return %0 : tensor<6x8xi8>
}

// -----

// Dequantize makes four bytes from one: its operand lies at the end of its result.
// CHECK-LABEL: @dequantize
// CHECK-SAME:    (%x: tensor<64xi8, #cortex_m.place<arena, 192>>) -> tensor<64xf32, #cortex_m.place<arena, 0>> attributes {cortex_m.arena_bytes = 256 : i64
func.func @dequantize(%x: tensor<64xi8>) -> tensor<64xf32> {
  %0 = cortex_m.dequantize_per_tensor %x {scale = 0.5 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<64xi8>) -> tensor<64xf32>
  func.return %0 : tensor<64xf32>
}

// -----

// The operand may be a part of a value that nothing reads any more: 80 bytes, of which 64 are read.
// CHECK-LABEL: @dequantize_part
// CHECK-SAME:    cortex_m.arena_bytes = 272 : i64
// CHECK:         cortex_m.subview {{.*}}place<arena, 192>>) -> tensor<64xi8, #cortex_m.place<arena, 192>>
// CHECK-NEXT:    cortex_m.dequantize_per_tensor {{.*}} -> tensor<64xf32, #cortex_m.place<arena, 0>>
func.func @dequantize_part(%x: tensor<80xi8>) -> tensor<64xf32> {
  %0 = cortex_m.subview %x {offset = 0 : i64} : (tensor<80xi8>) -> tensor<64xi8>
  %1 = cortex_m.dequantize_per_tensor %0 {scale = 0.5 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<64xi8>) -> tensor<64xf32>
  func.return %1 : tensor<64xf32>
}

// -----

// Not if the op reads another part too, which the result would overwrite.
// CHECK-LABEL: @two_parts
// CHECK-SAME:    cortex_m.arena_bytes = 96 : i64
func.func @two_parts(%x: tensor<64xi8>) -> tensor<32xi8> {
  %0 = cortex_m.subview %x {offset = 0 : i64} : (tensor<64xi8>) -> tensor<32xi8>
  %1 = cortex_m.subview %x {offset = 16 : i64} : (tensor<64xi8>) -> tensor<32xi8>
  %2 = cortex_m.quantized_mul %0, %1 {self_zero_point = 0 : i32, other_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1073741824 : i32, output_shift = 0 : i32} : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
  func.return %2 : tensor<32xi8>
}

// -----

// A view has the place of the value it views, and keeps that value alive.
// CHECK-LABEL: @view
// CHECK-SAME:    (%x: tensor<8x6xi8, #cortex_m.place<arena, [[X:[0-9]+]]>>)
// CHECK-NEXT:    %0 = cortex_m.view %x : {{.*}} -> tensor<48xi8, #cortex_m.place<arena, [[X]]>>
// CHECK-NEXT:    %1 = cortex_m.transpose
// CHECK-NEXT:    %2 = cortex_m.maximum %0, %0
// CHECK-NEXT:    func.return %1, %2
func.func @view(%x: tensor<8x6xi8>) -> (tensor<6x8xi8>, tensor<48xi8>) {
  %0 = cortex_m.view %x : (tensor<8x6xi8>) -> tensor<48xi8>
  %1 = cortex_m.transpose %x {perm = array<i64: 1, 0>} : (tensor<8x6xi8>) -> tensor<6x8xi8>
  %2 = cortex_m.maximum %0, %0 : (tensor<48xi8>, tensor<48xi8>) -> tensor<48xi8>
  func.return %1, %2 : tensor<6x8xi8>, tensor<48xi8>
}

// -----

// Places are multiples of 16; constants have none; freed bytes are used again.
// CHECK-LABEL: @chain
// CHECK-SAME:    (%x: tensor<10xi8, #cortex_m.place<arena, 0>>) -> tensor<10xi8, #cortex_m.place<arena, {{0|16}}>> attributes {cortex_m.arena_bytes = 32 : i64, cortex_m.arena_bound = 32 : i64}
// CHECK-NEXT:    %c = arith.constant dense<1> : tensor<2x5xi8>
// CHECK-NEXT:    cortex_m.view
// CHECK-NEXT:    cortex_m.transpose {{.*}} -> tensor<5x2xi8, #cortex_m.place<arena, 16>>
// CHECK-NEXT:    cortex_m.transpose {{.*}} -> tensor<2x5xi8, #cortex_m.place<arena, 0>>
// CHECK-NEXT:    cortex_m.minimum {{.*}} : (tensor<2x5xi8, #cortex_m.place<arena, 0>>, tensor<2x5xi8>)
func.func @chain(%x: tensor<10xi8>) -> tensor<10xi8> {
  %c = arith.constant dense<1> : tensor<2x5xi8>
  %0 = cortex_m.view %x : (tensor<10xi8>) -> tensor<2x5xi8>
  %1 = cortex_m.transpose %0 {perm = array<i64: 1, 0>} : (tensor<2x5xi8>) -> tensor<5x2xi8>
  %2 = cortex_m.transpose %1 {perm = array<i64: 1, 0>} : (tensor<5x2xi8>) -> tensor<2x5xi8>
  %3 = cortex_m.minimum %2, %c : (tensor<2x5xi8>, tensor<2x5xi8>) -> tensor<2x5xi8>
  %4 = cortex_m.view %3 : (tensor<2x5xi8>) -> tensor<10xi8>
  func.return %4 : tensor<10xi8>
}

// -----

// Scratch lives during its call only: two calls share its bytes.
// CHECK-LABEL: @scratch
// CHECK-SAME:    cortex_m.arena_bytes = 96 : i64, cortex_m.arena_bound = 96 : i64
// CHECK:         cortex_m.scratch : tensor<64xi8, #cortex_m.place<arena, [[S:[0-9]+]]>>
// CHECK:         cortex_m.scratch : tensor<64xi8, #cortex_m.place<arena, [[S]]>>
func.func @scratch(%x: tensor<1x1x1x16xi8>) -> tensor<1x1x1x16xi8> {
  %s = cortex_m.scratch : tensor<64xi8>
  %0 = cortex_m.quantized_avg_pool2d %x scratch %s {kernel_size = array<i64: 1, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x1x1x16xi8>, tensor<64xi8>) -> tensor<1x1x1x16xi8>
  %t = cortex_m.scratch : tensor<64xi8>
  %1 = cortex_m.quantized_avg_pool2d %0 scratch %t {kernel_size = array<i64: 1, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x1x1x16xi8>, tensor<64xi8>) -> tensor<1x1x1x16xi8>
  func.return %1 : tensor<1x1x1x16xi8>
}
