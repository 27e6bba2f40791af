// RUN: cm-opt %s -p canonicalize --split-input-file | filecheck %s

// A constant moves into the body.
// CHECK-LABEL: @constant
// CHECK:       edge.scan {{.*}} invariants() {
// CHECK-NEXT:  ^bb0(%a: tensor<2xf32>):
// CHECK-NEXT:    %w = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-NEXT:    %b = edge.add %a, %w
func.func @constant(%h0: tensor<2xf32>) -> tensor<2xf32> {
  %w = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %h = edge.scan {steps = 4 : i64} carried(%h0 : tensor<2xf32>) sequences() invariants(%w : tensor<2xf32>) {
  ^bb0(%a: tensor<2xf32>, %k: tensor<2xf32>):
    %b = edge.add %a, %k : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    edge.yield %b : tensor<2xf32>
  } -> final(tensor<2xf32>) stacked()
  func.return %h : tensor<2xf32>
}

// -----

// What nothing reads is dropped: a sequence, a stacked result, and the op that made it.
// CHECK-LABEL: @unused
// CHECK:       edge.scan {steps = 4 : i64} carried(%h0 : tensor<2xf32>) sequences(%xs : tensor<4x2xf32>) invariants() {
// CHECK-NEXT:  ^bb0(%a: tensor<2xf32>, %x: tensor<2xf32>):
// CHECK-NEXT:    %b = edge.add %a, %x
// CHECK-NEXT:    edge.yield %b : tensor<2xf32>
// CHECK-NEXT:  } -> final(tensor<2xf32>) stacked()
func.func @unused(%h0: tensor<2xf32>, %xs: tensor<4x2xf32>, %zs: tensor<4x3xf32>) -> tensor<2xf32> {
  %h, %ys = edge.scan {steps = 4 : i64} carried(%h0 : tensor<2xf32>) sequences(%xs, %zs : tensor<4x2xf32>, tensor<4x3xf32>) invariants() {
  ^bb0(%a: tensor<2xf32>, %x: tensor<2xf32>, %z: tensor<3xf32>):
    %b = edge.add %a, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    %c = edge.mul %b, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    edge.yield %b, %c : tensor<2xf32>, tensor<2xf32>
  } -> final(tensor<2xf32>) stacked(tensor<4x2xf32>)
  func.return %h : tensor<2xf32>
}

// -----

// Flips around a loop are a loop that goes backwards.
// CHECK-LABEL: @backwards
// CHECK-NEXT:  %ys = edge.scan {{{.*}}reverse{{.*}}} carried() sequences(%xs : tensor<3x2xf32>) invariants() {
// CHECK:       func.return %ys
func.func @backwards(%xs: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %0 = edge.take %xs {dim = 0 : i64, indices = array<i64: 2, 1, 0>} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %ys = edge.scan {steps = 3 : i64} carried() sequences(%0 : tensor<3x2xf32>) invariants() {
  ^bb0(%x: tensor<2xf32>):
    %c = edge.mul %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    edge.yield %c : tensor<2xf32>
  } -> final() stacked(tensor<3x2xf32>)
  %1 = edge.take %ys {dim = 0 : i64, indices = array<i64: 2, 1, 0>} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  func.return %1 : tensor<3x2xf32>
}

// -----

// A flip of the sequence alone stays.
// CHECK-LABEL: @one_flip
// CHECK:       edge.take
// CHECK-NEXT:  edge.scan {steps = 2 : i64}
func.func @one_flip(%xs: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %0 = edge.take %xs {dim = 0 : i64, indices = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %ys = edge.scan {steps = 2 : i64} carried() sequences(%0 : tensor<2x2xf32>) invariants() {
  ^bb0(%x: tensor<2xf32>):
    edge.yield %x : tensor<2xf32>
  } -> final() stacked(tensor<2x2xf32>)
  func.return %ys : tensor<2x2xf32>
}
