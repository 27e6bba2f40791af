// RUN: not cm-opt %s --split-input-file --verify-diagnostics 2>&1 >/dev/null | filecheck %s

// CHECK: diagnostics-unmet.mlir:[[# @LINE + 1]]: expected error "something else" was not produced
"test.op"() : () -> () // expected-error {{something else}}

// -----

// The right text on the wrong line is both unexpected and missing.
// CHECK: unexpected {{.*}}diagnostics-unmet.mlir:[[# @LINE + 3]]:2: error: unknown operation 'nowhere.op'
// CHECK: diagnostics-unmet.mlir:[[# @LINE + 1]]: expected error "unknown operation" was not produced
// expected-error@+2 {{unknown operation}}
"nowhere.op"() : () -> ()

// -----

// The wrong kind.
// CHECK: unexpected {{.*}}diagnostics-unmet.mlir:[[# @LINE + 2]]:2: error: unknown operation 'nowhere.op'
// CHECK: expected warning "unknown operation" was not produced
"nowhere.op"() : () -> () // expected-warning {{unknown operation}}

// -----

// Expected twice, but reported once.
// CHECK: expected error "unknown operation" was not produced
"nowhere.op"() : () -> () // expected-error 2 {{unknown operation}}

// -----

// CHECK: diagnostics-unmet.mlir:[[# @LINE + 1]]: malformed expectation: // expected-error: no braces
// expected-error: no braces
"test.op"() : () -> ()
