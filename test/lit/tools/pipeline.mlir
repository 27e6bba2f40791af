// RUN: cm-opt %s | filecheck %s --check-prefix=NONE
// RUN: cm-opt %s --pass-pipeline='builtin.module(canonicalize)' | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module( canonicalize , cse )' | filecheck %s
// RUN: cm-opt %s --pass-pipeline='canonicalize,dce' | filecheck %s
// RUN: cm-opt %s -p canonicalize,cse | filecheck %s
// RUN: cm-opt %s --passes=canonicalize --verify-each=false | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module()' | filecheck %s --check-prefix=NONE

// NONE:       arith.addi
// CHECK:      func.func @zero(%x: i32) -> i32 {
// CHECK-NEXT:   func.return %x : i32
func.func @zero(%x: i32) -> i32 {
  %c = arith.constant 0 : i32
  %0 = arith.addi %x, %c : i32
  func.return %0 : i32
}
