// RUN: DIAGNOSTICS

// expected-error@+1 {{#edge.dim_order: [0, 2, 2] is not a permutation}}
"test.op"() {o = #edge.dim_order<[0, 2, 2]>} : () -> ()

// -----

// expected-error@+1 {{#edge.dim_order: [1, 2, 3] is not a permutation}}
"test.op"() {o = #edge.dim_order<[1, 2, 3]>} : () -> ()

// -----

// expected-error@+1 {{Expected integer literal}}
"test.op"() {o = #edge.operand<-1>} : () -> ()

// -----

// An alias of a type may stand for an attribute of another kind.
!a = unit
%x = "test.op"() : () -> tensor<4x!a>
// expected-error@+1 {{is an attribute, not a type}}
%0 = edge.relu %x : (tensor<4x!a>) -> tensor<4x!a>
