// RUN: DIAGNOSTICS

// A constant too large for any microcontroller is an error. It does not fill the memory or crash.

// expected-error@+1 {{the constant takes 10000000000 bytes; at most 67108864 are supported}}
%0 = arith.constant dense<1> : tensor<100000x100000xi8>

// -----

// expected-error@+1 {{the constant takes 36893488147419103232 bytes}}
%0 = arith.constant dense<1.0> : tensor<9223372036854775808xf32>

// -----

// expected-error@+3 {{Format not implemented for i1000}}
%0 = arith.constant dense<1> : tensor<2xi1000>

// -----

// An unclosed string of any length is an error.
// expected-error@+1 {{End of file reached before closing string literal.}}
"test.op"() {name = "012345678901234567890123456789012345678901234567890123456789} : () -> ()
