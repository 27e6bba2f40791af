// RUN: cm-opt %s -p 'plan-memory,verify-plan' --split-input-file | filecheck %s

// The initial value, the carried one, its successor and the final value have one place. The sequence
// and the stacked result are live in the whole loop, a slice in one step.
// CHECK-LABEL: @loop
// CHECK:         %[[H0:.*]] = cortex_m.maximum %h0, %h0 : {{.*}} -> tensor<16xi8, #cortex_m.place<arena, [[H:.*]]>>
// CHECK-NEXT:    edge.scan {steps = 4 : i64} carried(%[[H0]] : {{.*}}) sequences(%xs : tensor<4x16xi8, #cortex_m.place<arena, [[XS:.*]]>>)
// CHECK-NEXT:    ^bb0(%a: tensor<16xi8, #cortex_m.place<arena, [[H]]>>, %x: tensor<16xi8, #cortex_m.place<arena, [[X:.*]]>>):
// CHECK-NEXT:      %b = cortex_m.maximum %a, %x : {{.*}} -> tensor<16xi8, #cortex_m.place<arena, [[H]]>>
// CHECK:         } -> final(tensor<16xi8, #cortex_m.place<arena, [[H]]>>) stacked(tensor<4x16xi8, #cortex_m.place<arena, [[YS:.*]]>>)
func.func @loop(%xs: tensor<4x16xi8>, %h0: tensor<16xi8>) -> (tensor<16xi8>, tensor<4x16xi8>) {
  %0 = cortex_m.maximum %h0, %h0 : (tensor<16xi8>, tensor<16xi8>) -> tensor<16xi8>
  %h, %ys = edge.scan {steps = 4 : i64} carried(%0 : tensor<16xi8>) sequences(%xs : tensor<4x16xi8>) invariants() {
  ^bb0(%a: tensor<16xi8>, %x: tensor<16xi8>):
    %b = cortex_m.maximum %a, %x : (tensor<16xi8>, tensor<16xi8>) -> tensor<16xi8>
    edge.yield %b, %b : tensor<16xi8>, tensor<16xi8>
  } -> final(tensor<16xi8>) stacked(tensor<4x16xi8>)
  func.return %h, %ys : tensor<16xi8>, tensor<4x16xi8>
}

// -----

// State is at the beginning of the arena, and the next value is in its place.
// CHECK-LABEL: @state
// CHECK-SAME:    %h: tensor<16xi8, #cortex_m.place<arena, 0>>
// CHECK-SAME:    cortex_m.state_bytes = 16 : i64
// CHECK:         func.return %1, %0 : {{.*}}, tensor<16xi8, #cortex_m.place<arena, 0>>
func.func @state(%x: tensor<16xi8>, %h: tensor<16xi8> {edge.name = "h", edge.initial_value = dense<0> : tensor<16xi8>}) -> (tensor<16xi8>, tensor<16xi8> {edge.next_value_of = "h"}) {
  %0 = cortex_m.maximum %x, %h : (tensor<16xi8>, tensor<16xi8>) -> tensor<16xi8>
  %1 = cortex_m.maximum %0, %x : (tensor<16xi8>, tensor<16xi8>) -> tensor<16xi8>
  func.return %1, %0 : tensor<16xi8>, tensor<16xi8>
}
