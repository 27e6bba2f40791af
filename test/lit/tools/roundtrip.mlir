// RUN: ROUNDTRIP
// RUN: cm-opt %s --split-input-file --mlir-print-op-generic | filecheck %s --check-prefix=GENERIC
// RUN: cat %s | cm-opt - --split-input-file | filecheck %s
// RUN: cat %s | cm-opt --split-input-file | filecheck %s

// CHECK:      builtin.module {
// CHECK-NEXT:   func.func @add(%x: i32) -> i32 {
// CHECK-NEXT:     %0 = arith.addi %x, %x : i32
// CHECK-NEXT:     func.return %0 : i32
// CHECK-NEXT:   }
// CHECK-NEXT: }
// GENERIC:      "builtin.module"() ({
// GENERIC-NEXT:   "func.func"() <{sym_name = "add", function_type = (i32) -> i32}> ({
func.func @add(%x: i32) -> i32 {
  %0 = arith.addi %x, %x : i32
  func.return %0 : i32
}

// -----

// CHECK-NEXT: // -----
// CHECK-NEXT: builtin.module {
// CHECK-NEXT:   "test.op"() {second} : () -> ()
// GENERIC:    // -----
"test.op"() {second} : () -> ()

// -----

// A chunk that has only comments is an empty module.
// CHECK:      // -----
// CHECK-NEXT: builtin.module {
// CHECK-NEXT: }
