// RUN: cm-opt %s --pass-pipeline='builtin.module(verify-plan)' --split-input-file --verify-diagnostics -o /dev/null

func.func @results_meet(%x: tensor<8x8xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 96 : i64} {
  // expected-error@+1 {{'ethos_u.delegate' op two results share bytes}}
  %y, %z = ethos_u.delegate "ethos-u55-128"(%x) {
  ^bb0(%a: tensor<8x8xi8>):
    %0 = tosa.reverse %a {axis = 0 : i32} : (tensor<8x8xi8>) -> tensor<8x8xi8>
    ethos_u.yield %0, %0 : tensor<8x8xi8>, tensor<8x8xi8>
  } : (tensor<8x8xi8, #cortex_m.place<arena, 0>>) -> (tensor<8x8xi8, #cortex_m.place<arena, 0>>, tensor<8x8xi8, #cortex_m.place<arena, 32>>)
  func.return
}

// -----

// %x is read again after %y took part of its place.
func.func @overwritten(%x: tensor<8x8xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 160 : i64} {
  %y = ethos_u.delegate "ethos-u55-128"(%x) {
  ^bb0(%a: tensor<8x8xi8>):
    %0 = tosa.reverse %a {axis = 0 : i32} : (tensor<8x8xi8>) -> tensor<8x8xi8>
    ethos_u.yield %0 : tensor<8x8xi8>
  } : (tensor<8x8xi8, #cortex_m.place<arena, 0>>) -> tensor<8x8xi8, #cortex_m.place<arena, 48>>
  // expected-error@+1 {{'cortex_m.maximum' op operand 0 is gone: 'ethos_u.delegate' wrote over it}}
  %z = cortex_m.maximum %x, %y : (tensor<8x8xi8, #cortex_m.place<arena, 0>>, tensor<8x8xi8, #cortex_m.place<arena, 48>>) -> tensor<8x8xi8, #cortex_m.place<arena, 0>>
  func.return
}

// -----

func.func @outside(%x: tensor<8x8xi8, #cortex_m.place<arena, 0>>) attributes {cortex_m.arena_bytes = 64 : i64} {
  // expected-error@+1 {{'ethos_u.delegate' op bytes 16..80 are not aligned or not inside the arena of 64}}
  %y = ethos_u.delegate "ethos-u55-128"(%x) {
  ^bb0(%a: tensor<8x8xi8>):
    %0 = tosa.reverse %a {axis = 0 : i32} : (tensor<8x8xi8>) -> tensor<8x8xi8>
    ethos_u.yield %0 : tensor<8x8xi8>
  } : (tensor<8x8xi8, #cortex_m.place<arena, 0>>) -> tensor<8x8xi8, #cortex_m.place<arena, 16>>
  func.return
}
