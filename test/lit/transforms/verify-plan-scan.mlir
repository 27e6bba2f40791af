// RUN: cm-opt %s -p 'verify-plan' --split-input-file --verify-diagnostics -o /dev/null

// A step writes over the sequence, which the next step reads.
func.func @forward(%xs: tensor<4x16xi8, #cortex_m.place<arena, 0>>, %h0: tensor<16xi8, #cortex_m.place<arena, 64>>) -> (tensor<16xi8, #cortex_m.place<arena, 64>>) attributes {cortex_m.arena_bytes = 128 : i64} {
  // expected-error@+1 {{the loop's 'cortex_m.maximum' writes over}}
  %h = edge.scan {steps = 4 : i64} carried(%h0 : tensor<16xi8, #cortex_m.place<arena, 64>>) sequences(%xs : tensor<4x16xi8, #cortex_m.place<arena, 0>>) invariants() {
  ^bb0(%a: tensor<16xi8, #cortex_m.place<arena, 64>>, %x: tensor<16xi8, #cortex_m.place<arena, 96>>):
    %c = cortex_m.maximum %a, %x : (tensor<16xi8, #cortex_m.place<arena, 64>>, tensor<16xi8, #cortex_m.place<arena, 96>>) -> tensor<16xi8, #cortex_m.place<arena, 16>>
    %b = cortex_m.maximum %c, %c : (tensor<16xi8, #cortex_m.place<arena, 16>>, tensor<16xi8, #cortex_m.place<arena, 16>>) -> tensor<16xi8, #cortex_m.place<arena, 64>>
    edge.yield %b : tensor<16xi8, #cortex_m.place<arena, 64>>
  } -> final(tensor<16xi8, #cortex_m.place<arena, 64>>) stacked()
  func.return %h : tensor<16xi8, #cortex_m.place<arena, 64>>
}

// -----

// The next step takes the carried value from another place.
func.func @forward(%h0: tensor<16xi8, #cortex_m.place<arena, 0>>) -> (tensor<16xi8, #cortex_m.place<arena, 16>>) attributes {cortex_m.arena_bytes = 64 : i64} {
  // expected-error@+1 {{must have one place}}
  %h = edge.scan {steps = 4 : i64} carried(%h0 : tensor<16xi8, #cortex_m.place<arena, 0>>) sequences() invariants() {
  ^bb0(%a: tensor<16xi8, #cortex_m.place<arena, 0>>):
    %b = cortex_m.maximum %a, %a : (tensor<16xi8, #cortex_m.place<arena, 0>>, tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<arena, 16>>
    edge.yield %b : tensor<16xi8, #cortex_m.place<arena, 16>>
  } -> final(tensor<16xi8, #cortex_m.place<arena, 16>>) stacked()
  func.return %h : tensor<16xi8, #cortex_m.place<arena, 16>>
}

// -----

// A value is gone in the second step: the first one has written over it.
func.func @forward(%x: tensor<16xi8, #cortex_m.place<arena, 0>>, %h0: tensor<16xi8, #cortex_m.place<arena, 16>>) -> (tensor<16xi8, #cortex_m.place<arena, 16>>) attributes {cortex_m.arena_bytes = 64 : i64} {
  // expected-error@+1 {{the loop's 'cortex_m.maximum' writes over}}
  %h = edge.scan {steps = 2 : i64} carried(%h0 : tensor<16xi8, #cortex_m.place<arena, 16>>) sequences() invariants(%x : tensor<16xi8, #cortex_m.place<arena, 0>>) {
  ^bb0(%a: tensor<16xi8, #cortex_m.place<arena, 16>>, %k: tensor<16xi8, #cortex_m.place<arena, 0>>):
    %c = cortex_m.maximum %a, %k : (tensor<16xi8, #cortex_m.place<arena, 16>>, tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<arena, 0>>
    %b = cortex_m.maximum %c, %c : (tensor<16xi8, #cortex_m.place<arena, 0>>, tensor<16xi8, #cortex_m.place<arena, 0>>) -> tensor<16xi8, #cortex_m.place<arena, 16>>
    edge.yield %b : tensor<16xi8, #cortex_m.place<arena, 16>>
  } -> final(tensor<16xi8, #cortex_m.place<arena, 16>>) stacked()
  func.return %h : tensor<16xi8, #cortex_m.place<arena, 16>>
}
