// RUN: cm-opt --list-passes | filecheck %s --check-prefix=PASSES
// RUN: cm-opt --show-dialects | filecheck %s --check-prefix=DIALECTS
// RUN: xdsl-opt %s -p canonicalize | filecheck %s

// PASSES: canonicalize {{ *}}Fold constants and apply every op's canonicalization patterns until nothing changes.
// PASSES: cse {{ *}}Common subexpression elimination.
// DIALECTS: {{^}}arith{{$}}
// DIALECTS: {{^}}cortex_m{{$}}
// DIALECTS: {{^}}edge{{$}}

// Plain xdsl-opt starts with cmopt's dialects and passes registered next to its own.
// CHECK: func.func @f
func.func @f() {
  func.return
}
