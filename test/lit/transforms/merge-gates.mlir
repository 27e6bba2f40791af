// RUN: cm-opt %s -p 'merge-gates,canonicalize' --split-input-file | filecheck %s

!x = !quant.uniform<i8:f32, 0.5>
!p = !quant.uniform<i8:f32:0, {0.1, 0.2}>
!q = !quant.uniform<i8:f32:0, {0.3, 0.4}>

// Two layers of one input, with a scale for each row, and two of another: one each, and one sum.
// CHECK-LABEL: @gates
// CHECK:         %[[A:.*]] = edge.linear %x, {{.*}} : ({{.*}}, tensor<4x3x!quant.uniform<i8:f32:0, {0.1, 0.2, 0.3, 0.4}>>) -> tensor<1x4x
// CHECK:         %[[B:.*]] = edge.linear %h, {{.*}} : ({{.*}}, tensor<4x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x4x
// CHECK:         %[[SUM:.*]] = edge.add %[[A]], %[[B]]
// CHECK-NEXT:    %i = edge.slice %[[SUM]] {dim = 1 : i64, start = 0 : i64}
// CHECK-NEXT:    %f = edge.slice %[[SUM]] {dim = 1 : i64, start = 2 : i64}
// CHECK-NEXT:    func.return %i, %f
func.func @gates(%x: tensor<1x3x!x>, %h: tensor<1x3x!x>) -> (tensor<1x2x!x>, tensor<1x2x!x>) {
  %0 = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %1 = arith.constant dense<[[7, 8, 9], [10, 11, 12]]> : tensor<2x3xi8>
  %p = quant.scast %0 : tensor<2x3xi8> to tensor<2x3x!p>
  %q = quant.scast %1 : tensor<2x3xi8> to tensor<2x3x!q>
  %r = quant.scast %0 : tensor<2x3xi8> to tensor<2x3x!x>
  %s = quant.scast %1 : tensor<2x3xi8> to tensor<2x3x!x>
  %a = edge.linear %x, %p : (tensor<1x3x!x>, tensor<2x3x!p>) -> tensor<1x2x!x>
  %b = edge.linear %h, %r : (tensor<1x3x!x>, tensor<2x3x!x>) -> tensor<1x2x!x>
  %i = edge.add %a, %b : (tensor<1x2x!x>, tensor<1x2x!x>) -> tensor<1x2x!x>
  %c = edge.linear %x, %q : (tensor<1x3x!x>, tensor<2x3x!q>) -> tensor<1x2x!x>
  %d = edge.linear %h, %s : (tensor<1x3x!x>, tensor<2x3x!x>) -> tensor<1x2x!x>
  %f = edge.add %c, %d : (tensor<1x2x!x>, tensor<1x2x!x>) -> tensor<1x2x!x>
  func.return %i, %f : tensor<1x2x!x>, tensor<1x2x!x>
}

// -----

!x = !quant.uniform<i8:f32, 0.5>
!y = !quant.uniform<i8:f32, 0.25>

// Other ranges of the results or of the weights: the layers stay.
// CHECK-LABEL: @unlike
// CHECK-COUNT-3: edge.linear {{.*}} -> tensor<1x2x
func.func @unlike(%x: tensor<1x3x!x>) -> (tensor<1x2x!x>, tensor<1x2x!y>, tensor<1x2x!x>) {
  %0 = arith.constant dense<1> : tensor<2x3xi8>
  %w = quant.scast %0 : tensor<2x3xi8> to tensor<2x3x!x>
  %v = quant.scast %0 : tensor<2x3xi8> to tensor<2x3x!y>
  %a = edge.linear %x, %w : (tensor<1x3x!x>, tensor<2x3x!x>) -> tensor<1x2x!x>
  %b = edge.linear %x, %w : (tensor<1x3x!x>, tensor<2x3x!x>) -> tensor<1x2x!y>
  %c = edge.linear %x, %v : (tensor<1x3x!x>, tensor<2x3x!y>) -> tensor<1x2x!x>
  func.return %a, %b, %c : tensor<1x2x!x>, tensor<1x2x!y>, tensor<1x2x!x>
}
