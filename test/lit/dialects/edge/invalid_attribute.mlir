// RUN: DIAGNOSTICS

// expected-error@+1 {{#edge.dim_order: [0, 2, 2] is not a permutation}}
"test.op"() {o = #edge.dim_order<[0, 2, 2]>} : () -> ()

// -----

// expected-error@+1 {{#edge.dim_order: [1, 2, 3] is not a permutation}}
"test.op"() {o = #edge.dim_order<[1, 2, 3]>} : () -> ()

// -----

// expected-error@+1 {{Expected integer literal}}
"test.op"() {o = #edge.operand<-1>} : () -> ()
