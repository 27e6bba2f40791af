// RUN: cm-opt %s -p 'copy-carried-values' --split-input-file | filecheck %s

// Made after the last use of the old value: no copy. The initial value is an argument: a copy.
// CHECK-LABEL: @free
// CHECK-NEXT:    %[[FLAT:.*]] = cortex_m.view %h0
// CHECK-NEXT:    %[[COPY:.*]] = cortex_m.pad %[[FLAT]]
// CHECK-NEXT:    %[[INITIAL:.*]] = cortex_m.view %[[COPY]]
// CHECK-NEXT:    edge.scan {steps = 4 : i64} carried(%[[INITIAL]] : tensor<2x2xi8>)
// CHECK-NEXT:    ^bb0(%a: tensor<2x2xi8>):
// CHECK-NEXT:      %c = cortex_m.maximum %a, %a
// CHECK-NEXT:      %b = cortex_m.maximum %c, %c
// CHECK-NEXT:      edge.yield %b
func.func @free(%h0: tensor<2x2xi8>) -> tensor<2x2xi8> {
  %h = edge.scan {steps = 4 : i64} carried(%h0 : tensor<2x2xi8>) sequences() invariants() {
  ^bb0(%a: tensor<2x2xi8>):
    %c = cortex_m.maximum %a, %a : (tensor<2x2xi8>, tensor<2x2xi8>) -> tensor<2x2xi8>
    %b = cortex_m.maximum %c, %c : (tensor<2x2xi8>, tensor<2x2xi8>) -> tensor<2x2xi8>
    edge.yield %b : tensor<2x2xi8>
  } -> final(tensor<2x2xi8>) stacked()
  func.return %h : tensor<2x2xi8>
}

// -----

// A transpose cannot overwrite what it reads.
// CHECK-LABEL: @state
// CHECK-NEXT:    %0 = cortex_m.transpose %h
// CHECK-NEXT:    cortex_m.view
// CHECK-NEXT:    %[[COPY:.*]] = cortex_m.pad
// CHECK-NEXT:    %[[NEW:.*]] = cortex_m.view %[[COPY]]
// CHECK-NEXT:    func.return %0, %[[NEW]]
func.func @state(%h: tensor<2x2xi8> {edge.name = "h", edge.initial_value = dense<0> : tensor<2x2xi8>}) -> (tensor<2x2xi8>, tensor<2x2xi8> {edge.next_value_of = "h"}) {
  %0 = cortex_m.transpose %h {perm = array<i64: 1, 0>} : (tensor<2x2xi8>) -> tensor<2x2xi8>
  func.return %0, %0 : tensor<2x2xi8>, tensor<2x2xi8>
}

// -----

// Two states that exchange their values: both are copied before either is overwritten.
// CHECK-LABEL: @exchange
// CHECK:         %[[B:.*]] = cortex_m.pad
// CHECK:         %[[A:.*]] = cortex_m.pad
// CHECK:         cortex_m.pad
func.func @exchange(%a: tensor<2xi8> {edge.name = "a", edge.initial_value = dense<0> : tensor<2xi8>}, %b: tensor<2xi8> {edge.name = "b", edge.initial_value = dense<1> : tensor<2xi8>}) -> (tensor<2xi8> {edge.next_value_of = "a"}, tensor<2xi8> {edge.next_value_of = "b"}) {
  func.return %b, %a : tensor<2xi8>, tensor<2xi8>
}
