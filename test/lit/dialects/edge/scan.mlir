// RUN: ROUNDTRIP

// A sum of the steps so far, and its double at each step; the last slice comes first.
// CHECK:      %h, %ys = edge.scan {reverse, steps = 4 : i64} carried(%h0 : tensor<2xf32>) sequences(%xs : tensor<4x2xf32>) invariants(%w : tensor<2xf32>) {
// CHECK-NEXT: ^bb0(%a: tensor<2xf32>, %x: tensor<2xf32>, %k: tensor<2xf32>):
// CHECK:        edge.yield %b, %c : tensor<2xf32>, tensor<2xf32>
// CHECK-NEXT: } -> final(tensor<2xf32>) stacked(tensor<4x2xf32>)
func.func @forward(%xs: tensor<4x2xf32>, %h0: tensor<2xf32>, %w: tensor<2xf32>) -> (tensor<2xf32>, tensor<4x2xf32>) {
  %h, %ys = edge.scan {reverse, steps = 4 : i64} carried(%h0 : tensor<2xf32>) sequences(%xs : tensor<4x2xf32>) invariants(%w : tensor<2xf32>) {
  ^bb0(%a: tensor<2xf32>, %x: tensor<2xf32>, %k: tensor<2xf32>):
    %b = edge.add %a, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    %c = edge.mul %b, %k : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    edge.yield %b, %c : tensor<2xf32>, tensor<2xf32>
  } -> final(tensor<2xf32>) stacked(tensor<4x2xf32>)
  func.return %h, %ys : tensor<2xf32>, tensor<4x2xf32>
}
