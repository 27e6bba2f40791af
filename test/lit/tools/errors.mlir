// RUN: not cm-opt %s --split-input-file 2>&1 >/dev/null | filecheck %s --match-full-lines
// RUN: not cm-opt %s --split-input-file -o %t.out 2>/dev/null
// RUN: not ls %t.out

// Every error is one line, and each chunk has its own.

// CHECK: {{.*}}errors.mlir:[[# @LINE + 2]]:8: error: unknown operation 'arith.adi'; did you mean {{.*}}'arith.addi'{{.*}}
func.func @f(%x: i32) {
  %0 = arith.adi %x, %x : i32
  func.return
}

// -----

// CHECK-NEXT: {{.*}}errors.mlir:[[# @LINE + 1]]:17: error: Expected ':' after block argument name!
func.func @f(%x i32) {
}

// -----

// CHECK-NEXT: {{.*}}errors.mlir:[[# @LINE + 1]]:{{[0-9]+}}: error: unknown attribute or type 'cortx_m.t'; there is no dialect 'cortx_m', did you mean 'cortex_m'?
"test.op"() {t = !cortx_m.t} : () -> ()

// -----

// Invalid IR: the error is at the innermost wrong op.
// CHECK-NEXT: {{.*}}errors.mlir:[[# @LINE + 2]]:3: error: 'func.return' op {{.*}}
func.func @f(%x: i32) -> i32 {
  func.return
}

// -----

// CHECK-NEXT: model.py:41 (permute_3): error: 'func.return' op {{.*}}
func.func @f(%x: i32) -> i32 {
  func.return loc("permute_3"("model.py":41:0))
}

// -----

// CHECK-NEXT: {{.*}}errors.mlir:[[# @LINE + 2]]:3: error: 'arith.addi' op operand #0 does not dominate this use
func.func @f() {
  %0 = arith.addi %1, %1 : i32
  %1 = arith.constant 1 : i32
  func.return
}

// -----

// CHECK-NEXT: {{.*}}errors.mlir:[[# @LINE + 1]]:11: error: values used but not defined: [%y]
"test.op"(%y) : (i32) -> ()
