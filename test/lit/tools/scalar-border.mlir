// RUN: not cm-opt %s -p materialize-dim-order 2>&1 | filecheck %s
// RUN: not cm-opt %s -p plan-memory 2>&1 | filecheck %s
// RUN: not cm-opt %s -p choose-layouts 2>&1 | filecheck %s
// RUN: not cm-opt %s -p convert-edge-to-cortex-m 2>&1 | filecheck %s
// RUN: cm-opt %s -p canonicalize,fall-back-to-float,lower-reductions,cse | filecheck %s --check-prefix=SAME

// CHECK: error: 'func.func' op argument 0 must be a tensor, got i32
// SAME:      func.func @forward(%x: i32) -> i32
// SAME-NEXT:   func.return %x : i32
func.func @forward(%x: i32) -> i32 {
  func.return %x : i32
}
