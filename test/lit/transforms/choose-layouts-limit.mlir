// RUN: cm-opt %s --pass-pipeline='builtin.module(choose-layouts{effort=0.0})' 2>%t | filecheck %s
// RUN: filecheck %s --check-prefix=WARNING --input-file=%t
// RUN: cm-opt %s --pass-pipeline='builtin.module(choose-layouts)' 2>&1 | filecheck %s --check-prefix=PROVEN

// A search with effort 0 leaves everything as it is written, and warns.
// CHECK:         func.func @forward(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> attributes {edge.layout_limit = "the search for layouts ended at its limit: they may move more bytes than necessary"}
// CHECK-NEXT:    %0 = edge.permute %x
// CHECK-NEXT:    %1 = edge.sigmoid %0
// CHECK-NEXT:    %2 = edge.permute %1
// CHECK-NEXT:    func.return %2
// WARNING: choose-layouts-limit.mlir:16:1: warning: 'func.func' op the search for layouts ended at its limit
// PROVEN-NOT:    warning
// PROVEN-NOT:    edge.layout_limit
// PROVEN:        edge.sigmoid
// PROVEN-NOT:    warning
func.func @forward(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = edge.sigmoid %0 : (tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  %2 = edge.permute %1 {perm = array<i64: 1, 2, 0>} : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  func.return %2 : tensor<2x3x4xf32>
}
