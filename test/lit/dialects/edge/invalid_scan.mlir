// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<4x2xf32>
// expected-error@+1 {{slice 0: tensor<3xf32> does not fit tensor<4x2xf32>}}
%0 = edge.scan {steps = 4 : i64} carried() sequences(%x : tensor<4x2xf32>) invariants() {
^bb0(%1: tensor<3xf32>):
  edge.yield %1 : tensor<3xf32>
} -> final() stacked(tensor<4x3xf32>)

// -----

%x = "test.op"() : () -> tensor<4x2xf32>
// expected-error@+1 {{slice 0: tensor<2xf32> does not fit tensor<4x2xf32>}}
%0 = edge.scan {steps = 3 : i64} carried() sequences(%x : tensor<4x2xf32>) invariants() {
^bb0(%1: tensor<2xf32>):
  edge.yield %1 : tensor<2xf32>
} -> final() stacked(tensor<4x2xf32>)

// -----

%x = "test.op"() : () -> tensor<2xf32>
// expected-error@+1 {{new carried value 0: tensor<2xi8> does not fit tensor<2xf32>}}
%0 = edge.scan {steps = 3 : i64} carried(%x : tensor<2xf32>) sequences() invariants() {
^bb0(%1: tensor<2xf32>):
  %2 = "test.op"() : () -> tensor<2xi8>
  edge.yield %2 : tensor<2xi8>
} -> final(tensor<2xf32>) stacked()

// -----

%x = "test.op"() : () -> tensor<2xf32>
// expected-error@+1 {{its body takes 2 values of 1}}
%0 = edge.scan {steps = 3 : i64} carried(%x : tensor<2xf32>) sequences() invariants() {
^bb0(%1: tensor<2xf32>, %2: tensor<2xf32>):
  edge.yield %1 : tensor<2xf32>
} -> final(tensor<2xf32>) stacked()

// -----

%x = "test.op"() : () -> tensor<2xf32>
// expected-error@+1 {{its body yields 2 values for 1 results, of which 1 are carried}}
%0 = edge.scan {steps = 3 : i64} carried(%x : tensor<2xf32>) sequences() invariants() {
^bb0(%1: tensor<2xf32>):
  edge.yield %1, %1 : tensor<2xf32>, tensor<2xf32>
} -> final(tensor<2xf32>) stacked()

// -----

%x = "test.op"() : () -> tensor<2xf32>
// expected-error@+1 {{must have a step, got 0}}
%0 = edge.scan {steps = 0 : i64} carried(%x : tensor<2xf32>) sequences() invariants() {
^bb0(%1: tensor<2xf32>):
  edge.yield %1 : tensor<2xf32>
} -> final(tensor<2xf32>) stacked()

// -----

%x = "test.op"() : () -> tensor<2xf32>
// expected-error@+1 {{must end in edge.yield}}
%0 = edge.scan {steps = 1 : i64} carried(%x : tensor<2xf32>) sequences() invariants() {
^bb0(%1: tensor<2xf32>):
  "test.termop"() : () -> ()
} -> final(tensor<2xf32>) stacked()
