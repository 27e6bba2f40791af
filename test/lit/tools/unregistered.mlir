// RUN: cm-opt %s --allow-unregistered-dialect -p canonicalize | filecheck %s
// RUN: not cm-opt %s 2>&1 | filecheck %s --check-prefix=ERROR

// ERROR: unregistered.mlir:[[# @LINE + 2]]:2: error: unknown operation 'other.op'; there is no dialect 'other', see cm-opt --show-dialects
// CHECK: "other.op"() {kept} : () -> ()
"other.op"() {kept} : () -> ()
