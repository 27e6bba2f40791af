// RUN: cm-opt %s -p 'choose-layouts,fold-inverse-permutes,canonicalize,cse' | filecheck %s

// A buffer of NCHW rows is kept row by row, as it is read: nothing is transposed.
!q = !quant.uniform<i8:f32, 0.5>
// CHECK:         %h: tensor<2x1x3x!quant.uniform<i8:f32, 0.5>> {edge.name = "h", edge.initial_value = dense<{{.*}}1, 2, 3{{.*}}4, 5, 6{{.*}}> : tensor<2x1x3xi8>}
// CHECK-NOT:     edge.permute %h
// CHECK:         func.return
func.func @forward(%x: tensor<1x1x3x!q>, %h: tensor<1x3x2x!q> {edge.name = "h", edge.initial_value = dense<[[[1, 4], [2, 5], [3, 6]]]> : tensor<1x3x2xi8>}) -> (tensor<1x3x3x!q>, tensor<1x3x2x!q> {edge.next_value_of = "h"}) {
  %rows = edge.permute %h {perm = array<i64: 0, 2, 1>} : (tensor<1x3x2x!q>) -> tensor<1x2x3x!q>
  %all = edge.cat %rows, %x {dim = 1 : i64} : (tensor<1x2x3x!q>, tensor<1x1x3x!q>) -> tensor<1x3x3x!q>
  %kept = edge.slice %all {dim = 1 : i64, start = 1 : i64} : (tensor<1x3x3x!q>) -> tensor<1x2x3x!q>
  %new = edge.permute %kept {perm = array<i64: 0, 2, 1>} : (tensor<1x2x3x!q>) -> tensor<1x3x2x!q>
  func.return %all, %new : tensor<1x3x3x!q>, tensor<1x3x2x!q>
}
