// RUN: cm-opt --list-passes | filecheck %s --check-prefix=PASSES
// RUN: cm-opt --show-dialects | filecheck %s --check-prefix=DIALECTS
// RUN: cm-opt --list-ops | filecheck %s --check-prefix=OPS
// RUN: cm-opt --version | filecheck %s --check-prefix=VERSION
// RUN: cm-compile --version | filecheck %s --check-prefix=VERSION
// RUN: cm-run --version | filecheck %s --check-prefix=VERSION
// RUN: xdsl-opt %s -p canonicalize | filecheck %s

// PASSES: canonicalize {{ *}}Fold constants and apply every op's canonicalization patterns until nothing changes.
// PASSES: cse {{ *}}Common subexpression elimination.
// DIALECTS: {{^}}arith{{$}}
// DIALECTS: {{^}}cortex_m{{$}}
// DIALECTS: {{^}}edge{{$}}

// OPS: cortex_m.dequantize_per_tensor {{.*}}.
// OPS: edge.relu {{ *}}`max(x, 0)`.
// OPS: quant.qcast {{ .+}}.
// OPS: tosa.add {{ .+}}.

// VERSION: cm-{{[a-z]+}} (cmopt {{[0-9.]+}}, xdsl {{[0-9.]+}}, torch {{.*}})

// Plain xdsl-opt starts with cmopt's dialects and passes registered next to its own.
// CHECK: func.func @f
func.func @f() {
  func.return
}
