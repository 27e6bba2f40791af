// RUN: cm-opt %s -p canonicalize,cse --print-ir-before-all -o /dev/null 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: cm-opt %s -p canonicalize,cse --mlir-print-ir-after-all -o /dev/null 2>&1 | filecheck %s --check-prefix=AFTER
// RUN: cm-opt %s -p canonicalize,cse,dce --print-ir-before=cse --print-ir-after=canonicalize,dce -o /dev/null 2>&1 | filecheck %s --check-prefix=SOME
// RUN: not cm-opt %s -p cse --print-ir-after=cze 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: cm-opt %s -p canonicalize --mlir-timing -o /dev/null 2>&1 | filecheck %s --check-prefix=TIMING
// RUN: cm-opt %s -p canonicalize --print-ir-after-all --mlir-timing 2>/dev/null | filecheck %s --check-prefix=OUT

// BEFORE:      // -----// IR Dump Before canonicalize //----- //
// BEFORE-NEXT: builtin.module {
// BEFORE:        arith.addi
// BEFORE:      // -----// IR Dump Before cse //----- //
// BEFORE-NOT:    arith.addi

// AFTER-NOT:   arith.addi
// AFTER:       // -----// IR Dump After canonicalize //----- //
// AFTER-NEXT:  builtin.module {
// AFTER:       // -----// IR Dump After cse //----- //

// SOME:        // -----// IR Dump After canonicalize //----- //
// SOME-NEXT:   builtin.module {
// SOME:        // -----// IR Dump Before cse //----- //
// SOME-NOT:    cse
// SOME:        // -----// IR Dump After dce //----- //

// UNKNOWN:     cm-opt: error: unknown pass 'cze'; see cm-opt --list-passes

// TIMING:      ===- Execution time report -===
// TIMING-NEXT: {{[0-9.]+ +\([ 0-9.]+%\)}}  Parser
// TIMING-NEXT: {{[0-9.]+ +\([ 0-9.]+%\)}}  Verifier (input)
// TIMING-NEXT: {{[0-9.]+ +\([ 0-9.]+%\)}}  canonicalize
// TIMING-NEXT: {{[0-9.]+ +\([ 0-9.]+%\)}}  Output
// TIMING-NEXT: {{[0-9.]+ +\(100.0%\)}}  Total

// Reports do not mix with the IR on standard output.
// OUT-NOT:     //
// OUT:         builtin.module {
// OUT-NOT:     ===
func.func @zero(%x: i32) -> i32 {
  %c = arith.constant 0 : i32
  %0 = arith.addi %x, %c : i32
  func.return %0 : i32
}
