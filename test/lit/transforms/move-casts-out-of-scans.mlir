// RUN: cm-opt %s -p 'move-casts-out-of-scans' --split-input-file | filecheck %s

!q = !quant.uniform<i8:f32, 0.5>
!r = !quant.uniform<i8:f32, 0.25>

// A carried value, a sequence and a stacked result are integers in the loop.
// CHECK-LABEL: @all
// CHECK:         edge.scan {steps = 4 : i64} carried({{.*}} : tensor<2x!quant.uniform<i8:f32, 0.5>>) sequences({{.*}} : tensor<4x2x!quant.uniform<i8:f32, 0.25>>) invariants() {
// CHECK-NEXT:    ^bb0(%a: tensor<2x!quant.uniform<i8:f32, 0.5>>, %x: tensor<2x!quant.uniform<i8:f32, 0.25>>):
// CHECK-NEXT:      %b = edge.add %a, %x
// CHECK-NEXT:      edge.yield %b, %b
// CHECK:         } -> final(tensor<2x!quant.uniform<i8:f32, 0.5>>) stacked(tensor<4x2x!quant.uniform<i8:f32, 0.5>>)
func.func @all(%xs: tensor<4x2xf32>, %h0: tensor<2xf32>) -> (tensor<2xf32>, tensor<4x2xf32>) {
  %h, %ys = edge.scan {steps = 4 : i64} carried(%h0 : tensor<2xf32>) sequences(%xs : tensor<4x2xf32>) invariants() {
  ^bb0(%a: tensor<2xf32>, %x: tensor<2xf32>):
    %aq = quant.qcast %a : tensor<2xf32> to tensor<2x!q>
    %xq = quant.qcast %x : tensor<2xf32> to tensor<2x!r>
    %b = edge.add %aq, %xq : (tensor<2x!q>, tensor<2x!r>) -> tensor<2x!q>
    %bd = quant.dcast %b : tensor<2x!q> to tensor<2xf32>
    edge.yield %bd, %bd : tensor<2xf32>, tensor<2xf32>
  } -> final(tensor<2xf32>) stacked(tensor<4x2xf32>)
  func.return %h, %ys : tensor<2xf32>, tensor<4x2xf32>
}

// -----

!q = !quant.uniform<i8:f32, 0.5>
!r = !quant.uniform<i8:f32, 0.25>

// The final value is seen as a float in steps of 0.25: the carried value stays a float.
// CHECK-LABEL: @seen
// CHECK:         carried(%h0 : tensor<2xf32>)
func.func @seen(%h0: tensor<2xf32>) -> tensor<2xf32> {
  %h = edge.scan {steps = 4 : i64} carried(%h0 : tensor<2xf32>) sequences() invariants() {
  ^bb0(%a: tensor<2xf32>):
    %aq = quant.qcast %a : tensor<2xf32> to tensor<2x!q>
    %b = edge.add %aq, %aq : (tensor<2x!q>, tensor<2x!q>) -> tensor<2x!r>
    %bd = quant.dcast %b : tensor<2x!r> to tensor<2xf32>
    edge.yield %bd : tensor<2xf32>
  } -> final(tensor<2xf32>) stacked()
  func.return %h : tensor<2xf32>
}
