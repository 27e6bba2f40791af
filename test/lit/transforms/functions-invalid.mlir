// RUN: cm-opt %s --pass-pipeline='builtin.module(materialize-dim-order)' --split-input-file --verify-diagnostics -o /dev/null
// RUN: cm-opt %s --pass-pipeline='builtin.module(use-integer-io)' --split-input-file --verify-diagnostics -o /dev/null

// A program is one block, from tensors to tensors.

// expected-error@+1 {{'func.func' op argument 0 must be a tensor, got i32}}
func.func @argument(%x: i32) {
  func.return
}

// -----

// expected-error@+1 {{'func.func' op result 1 must be a tensor, got i32}}
func.func @result(%x: tensor<2xf32>) -> (tensor<2xf32>, i32) {
  %0 = arith.constant 1 : i32
  func.return %x, %0 : tensor<2xf32>, i32
}

// -----

// expected-error@+1 {{'func.func' op does not end in func.return}}
func.func @end(%x: tensor<2xf32>) {
  "test.termop"() : () -> ()
}

// -----

// expected-error@+1 {{'func.func' op has several blocks; a program has one}}
func.func @blocks(%x: tensor<2xf32>) {
  "test.termop"() [^bb1] : () -> ()
^bb1:
  func.return
}

// -----

// expected-error@+1 {{'func.func' op argument 0: edge.dim_order does not fit its rank}}
func.func @order(%x: tensor<2x3xf32> {edge.dim_order = array<i64: 1, 5>}) {
  func.return
}
