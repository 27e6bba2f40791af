// RUN: DIAGNOSTICS

// A constant of equal elements is held as one, so that its size costs nothing. Nothing folds it.
%0 = arith.constant dense<1> : tensor<100000x100000xi8>
%1 = edge.relu %0 : (tensor<100000x100000xi8>) -> tensor<100000x100000xi8>

// -----

// expected-error@+1 {{integer type i1000 is wider than 64 bits, the most that is supported}}
%0 = arith.constant dense<1> : tensor<2xi1000>

// -----

// expected-error@+1 {{integer type i30000000000 is wider than 64 bits}}
"test.op"() {a = 2147483647 : i30000000000} : () -> ()

// -----

// Each literal that cannot be represented is an error where it stands.
// expected-error@+3 {{300 is not a value of i8}}
"test.op"() {a = dense<[
  1,
  300]> : tensor<2xi8>} : () -> ()

// -----

// expected-error@+1 {{9223372036854775808 is not a value of index}}
"test.op"() {a = dense<[9223372036854775808, 4]> : tensor<2xindex>} : () -> ()

// -----

// expected-error@+1 {{1.0e39 is not a value of f32}}
"test.op"() {a = dense<[1.0, 1.0e39]> : tensor<2xf32>} : () -> ()

// -----

// expected-error@+1 {{1.0e400 is too large for a float}}
"test.op"() {a = dense<-1.0e400> : tensor<2xf64>} : () -> ()

// -----

// expected-error@+1 {{0x1FFFFFFFF is not a value of f32}}
"test.op"() {a = dense<[0x7F800000, 0x1FFFFFFFF]> : tensor<2xf32>} : () -> ()

// -----

// expected-error@+1 {{Integer value 128 is out of range for type i4}}
"test.op"() {a = array<i64: 1>, b = 128 : i4} : () -> ()

// -----

// expected-error@+1 {{an array of i41; its elements are i1, i8, i16, i32, i64, f32, f64}}
"test.op"() {a = array<i41: 0, 1, 2>} : () -> ()

// -----

// expected-error@+1 {{ёe is not a name of ASCII letters}}
"test.op"() {ёe = "s"} : () -> ()

// -----

// Few aliases can stand for millions of types.
!a0 = tuple<tensor<1xi8>, tensor<1xi8>, tensor<1xi8>, tensor<1xi8>>
!a1 = tuple<!a0, !a0, !a0, !a0, !a0, !a0, !a0, !a0>
!a2 = tuple<!a1, !a1, !a1, !a1, !a1, !a1, !a1, !a1>
!a3 = tuple<!a2, !a2, !a2, !a2, !a2, !a2, !a2, !a2>
// expected-error@+1 {{alias '!a4' is too large}}
!a4 = tuple<!a3, !a3, !a3, !a3, !a3, !a3, !a3, !a3>

// -----

// An unclosed string of any length is an error.
// expected-error@+1 {{End of file reached before closing string literal.}}
"test.op"() {name = "012345678901234567890123456789012345678901234567890123456789} : () -> ()
