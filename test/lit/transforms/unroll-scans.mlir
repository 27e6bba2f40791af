// RUN: cm-opt %s -p 'unroll-scans{steps=2},canonicalize' --split-input-file | filecheck %s

// Each step is in the function; slices and stacked results are in the order of the sequence.
// CHECK-LABEL: @two_steps
// CHECK-NEXT:    %[[X1:.*]] = edge.slice %xs {dim = 0 : i64, start = 1 : i64}
// CHECK-NEXT:    %[[R1:.*]] = edge.reshape %[[X1]] : (tensor<1x3xf32>) -> tensor<3xf32>
// CHECK-NEXT:    %[[B1:.*]] = edge.add %h0, %[[R1]]
// CHECK-NEXT:    %[[Y1:.*]] = edge.reshape %[[B1]] : (tensor<3xf32>) -> tensor<1x3xf32>
// CHECK-NEXT:    %[[X0:.*]] = edge.slice %xs {dim = 0 : i64, start = 0 : i64}
// CHECK-NEXT:    %[[R0:.*]] = edge.reshape %[[X0]] : (tensor<1x3xf32>) -> tensor<3xf32>
// CHECK-NEXT:    %[[B0:.*]] = edge.add %[[B1]], %[[R0]]
// CHECK-NEXT:    %[[Y0:.*]] = edge.reshape %[[B0]] : (tensor<3xf32>) -> tensor<1x3xf32>
// CHECK-NEXT:    %ys = edge.cat %[[Y0]], %[[Y1]] {dim = 0 : i64}
// CHECK-NEXT:    func.return %[[B0]], %ys
func.func @two_steps(%xs: tensor<2x3xf32>, %h0: tensor<3xf32>) -> (tensor<3xf32>, tensor<2x3xf32>) {
  %h, %ys = edge.scan {reverse, steps = 2 : i64} carried(%h0 : tensor<3xf32>) sequences(%xs : tensor<2x3xf32>) invariants() {
  ^bb0(%a: tensor<3xf32>, %x: tensor<3xf32>):
    %b = edge.add %a, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    edge.yield %b, %b : tensor<3xf32>, tensor<3xf32>
  } -> final(tensor<3xf32>) stacked(tensor<2x3xf32>)
  func.return %h, %ys : tensor<3xf32>, tensor<2x3xf32>
}

// -----

// A longer loop stays.
// CHECK-LABEL: @three_steps
// CHECK-NEXT:    edge.scan
func.func @three_steps(%h0: tensor<3xf32>) -> tensor<3xf32> {
  %h = edge.scan {steps = 3 : i64} carried(%h0 : tensor<3xf32>) sequences() invariants() {
  ^bb0(%a: tensor<3xf32>):
    %b = edge.add %a, %a : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    edge.yield %b : tensor<3xf32>
  } -> final(tensor<3xf32>) stacked()
  func.return %h : tensor<3xf32>
}
