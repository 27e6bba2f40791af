// RUN: cm-opt %s --mlir-print-debuginfo | filecheck %s
// RUN: cm-opt %s --mlir-print-debuginfo | cm-opt --mlir-print-debuginfo | filecheck %s
// RUN: cm-opt %s --mlir-print-debuginfo --mlir-print-op-generic | cm-opt --mlir-print-debuginfo | filecheck %s
// RUN: cm-opt %s | filecheck %s --check-prefix=PLAIN
// RUN: cm-opt %s -p canonicalize --mlir-print-debuginfo | filecheck %s --check-prefix=CANON

// PLAIN-NOT: loc(

// An op's location is that of its text, unless it has its own.
// CHECK: func.func @f
// CHECK: arith.constant 3 : i32 loc("{{.*}}locations.mlir":[[# @LINE + 5]]:3)
// CHECK: arith.constant 4 : i32 loc(unknown)
// CHECK: arith.muli %a, %b : i32 loc("mul_1"("model.py":41:0))
// CHECK: func.return %0 : i32 loc(callsite("a.py":1:2 at "b.py":3:4))
func.func @f() -> i32 {
  %a = arith.constant 3 : i32
  %b = arith.constant 4 : i32 loc(unknown)
  // A new op has the location of the rewritten op.
  // CANON: arith.constant 12 : i32 loc("mul_1"("model.py":41:0))
  %0 = arith.muli %a, %b : i32 loc("mul_1"("model.py":41:0))
  func.return %0 : i32 loc(callsite("a.py":1:2 at "b.py":3:4))
}
