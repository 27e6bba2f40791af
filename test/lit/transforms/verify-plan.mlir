// RUN: cm-opt %s --pass-pipeline='builtin.module(verify-plan)' --split-input-file --verify-diagnostics -o /dev/null

// A value that is not read again may be overwritten, also by the result of its last reader.
func.func @good(%x: tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<arena, 0>> attributes {cortex_m.arena_bytes = 16 : i64} {
  %0 = cortex_m.maximum %x, %x : (tensor<16xi8, #cortex_m.place<arena, 0>>, tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<arena, 0>>
  func.return %0 : tensor<16xi8, #cortex_m.place<arena, 0>>
}

// -----

// expected-error@+1 {{'func.func' op the function has no cortex_m.arena_bytes; run plan-memory}}
func.func @not_planned() {
  func.return
}

// -----

func.func @no_place(%x: tensor<16xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 16 : i64} {
  // expected-error@+1 {{'cortex_m.maximum' op a value of type tensor<16xi8> has no place}}
  %0 = cortex_m.maximum %x, %x : (tensor<16xi8, #cortex_m.place<arena, 0>>, tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8>
  func.return
}

// -----

// expected-error@+1 {{'func.func' op bytes 16..32 are not aligned or not inside the arena of 16}}
func.func @outside(%x: tensor<16xi8, #cortex_m.place<arena, 16>>) attributes {cortex_m.arena_bytes = 16 : i64} {
  func.return
}

// -----

// expected-error@+1 {{'func.func' op bytes 6..22 are not aligned or not inside the arena of 32}}
func.func @not_aligned(%x: tensor<4xf32, #cortex_m.place<arena, 6>>) attributes {cortex_m.arena_bytes = 32 : i64} {
  func.return
}

// -----

// expected-error@+1 {{'func.func' op two arguments share bytes}}
func.func @arguments(%x: tensor<16xi8, #cortex_m.place<arena, 0>>, %y: tensor<16xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 16 : i64} {
  func.return
}

// -----

// %x is read after %0 took its place.
func.func @overwritten(%x: tensor<16xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 32 : i64} {
  %0 = cortex_m.maximum %x, %x : (tensor<16xi8, #cortex_m.place<arena, 0>>, tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<arena, 0>>
  // expected-error@+1 {{'cortex_m.minimum' op operand 1 is gone: 'cortex_m.maximum' wrote over it}}
  %1 = cortex_m.minimum %0, %x : (tensor<16xi8, #cortex_m.place<arena, 0>>, tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<arena, 16>>
  func.return
}

// -----

// Overwriting a part is enough, and a function's result counts as read.
func.func @result(%x: tensor<32xi8, #cortex_m.place<arena, 0>>, %y: tensor<16xi8, #cortex_m.place<arena, 32>>) -> tensor<32xi8, #cortex_m.place<arena, 0>> attributes {cortex_m.arena_bytes = 48 : i64} {
  %0 = cortex_m.maximum %y, %y : (tensor<16xi8, #cortex_m.place<arena, 32>>, tensor<16xi8, #cortex_m.place<arena, 32>>) -> tensor<16xi8, #cortex_m.place<arena, 16>>
  // expected-error@+1 {{'func.return' op operand 0 is gone: 'cortex_m.maximum' wrote over it}}
  func.return %x : tensor<32xi8, #cortex_m.place<arena, 0>>
}

// -----

// A view is gone with the value it views.
func.func @view(%x: tensor<16xi8, #cortex_m.place<arena, 0>>, %y: tensor<16xi8, #cortex_m.place<arena, 16>>) -> tensor<4x4xi8, #cortex_m.place<arena, 0>> attributes {cortex_m.arena_bytes = 32 : i64} {
  %0 = cortex_m.view %x : (tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<4x4xi8, #cortex_m.place<arena, 0>>
  %1 = cortex_m.maximum %y, %y : (tensor<16xi8, #cortex_m.place<arena, 16>>, tensor<16xi8, #cortex_m.place<arena, 16>>) -> tensor<16xi8, #cortex_m.place<arena, 0>>
  // expected-error@+1 {{'func.return' op operand 0 is gone: 'cortex_m.maximum' wrote over it}}
  func.return %0 : tensor<4x4xi8, #cortex_m.place<arena, 0>>
}

// -----

// A transpose does not work in place.
func.func @not_in_place(%x: tensor<4x4xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 16 : i64} {
  // expected-error@+1 {{'cortex_m.transpose' op writes over an operand it has not finished reading}}
  %0 = cortex_m.transpose %x {perm = array<i64: 1, 0>} : (tensor<4x4xi8, #cortex_m.place<arena, 0>>) -> tensor<4x4xi8, #cortex_m.place<arena, 0>>
  func.return
}

// -----

// An in-place result has one fixed offset; other overlaps are errors.
func.func @shifted(%x: tensor<32xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 48 : i64} {
  // expected-error@+1 {{'cortex_m.maximum' op writes over an operand it has not finished reading}}
  %0 = cortex_m.maximum %x, %x : (tensor<32xi8, #cortex_m.place<arena, 0>>, tensor<32xi8, #cortex_m.place<arena, 0>>) -> tensor<32xi8, #cortex_m.place<arena, 16>>
  func.return
}

// -----

// If a dequantized result began where its operand begins, its writes would overtake the reads.
func.func @dequantize(%x: tensor<16xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 64 : i64} {
  // expected-error@+1 {{'cortex_m.dequantize_per_tensor' op writes over an operand it has not finished reading}}
  %0 = cortex_m.dequantize_per_tensor %x {scale = 0.5 : f64, zero_point = 0 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xf32, #cortex_m.place<arena, 0>>
  func.return
}

// -----

// Portable kernels do not support in-place results.
func.func @portable(%x: tensor<16xf32, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 64 : i64} {
  // expected-error@+1 {{'edge.call' op writes over an operand it has not finished reading}}
  %0 = edge.call "aten.relu.default"(%x) {arguments = [#edge.operand<0>]} : (tensor<16xf32, #cortex_m.place<arena, 0>>) -> tensor<16xf32, #cortex_m.place<arena, 0>>
  func.return
}

// -----

// Scratch is also written.
func.func @scratch(%x: tensor<1x1x1x16xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 32 : i64} {
  %s = cortex_m.scratch : tensor<16xi8, #cortex_m.place<arena, 0>>
  // expected-error@+1 {{'cortex_m.quantized_avg_pool2d' op writes over an operand it has not finished reading}}
  %0 = cortex_m.quantized_avg_pool2d %x scratch %s {kernel_size = array<i64: 1, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x1x1x16xi8, #cortex_m.place<arena, 0>>, tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<1x1x1x16xi8, #cortex_m.place<arena, 16>>
  func.return
}

// -----

// Each region has bytes of its own.
func.func @regions(%x: tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<arena, 0>> attributes {cortex_m.arena_bytes = 16 : i64, cortex_m.dtcm_bytes = 16 : i64} {
  %0 = cortex_m.transpose %x {perm = array<i64: 0>} : (tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<dtcm, 0>>
  %1 = cortex_m.maximum %0, %x : (tensor<16xi8, #cortex_m.place<dtcm, 0>>, tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<arena, 0>>
  func.return %1 : tensor<16xi8, #cortex_m.place<arena, 0>>
}

// -----

func.func @outside_dtcm(%x: tensor<16xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 64 : i64, cortex_m.dtcm_bytes = 16 : i64} {
  // expected-error@+1 {{'cortex_m.maximum' op bytes 16..32 are not aligned or not inside the dtcm of 16}}
  %0 = cortex_m.maximum %x, %x : (tensor<16xi8, #cortex_m.place<arena, 0>>, tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<dtcm, 16>>
  func.return
}

// -----

// expected-error@+1 {{'func.func' op inputs, outputs and state must be in the arena}}
func.func @input_in_dtcm(%x: tensor<16xi8, #cortex_m.place<dtcm, 0>>) attributes {cortex_m.arena_bytes = 0 : i64, cortex_m.dtcm_bytes = 16 : i64} {
  func.return
}

// -----

// expected-error@+1 {{'func.func' op cortex_m.dtcm_bytes is not a size: -16 : i64}}
func.func @no_size() attributes {cortex_m.arena_bytes = 16 : i64, cortex_m.dtcm_bytes = -16 : i64} {
  func.return
}
