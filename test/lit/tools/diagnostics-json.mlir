// RUN: not cm-opt %s --split-input-file --diagnostics=json 2>&1 >/dev/null | filecheck %s
// RUN: not cm-opt %s --diagnostics json -p cannonicalize 2>&1 | filecheck %s --check-prefix=HINT
// RUN: not cm-opt --diagnostics=json --no-such-option 2>&1 | filecheck %s --check-prefix=OPTION
// RUN: not cm-opt --diagnostics=xml 2>&1 | filecheck %s --check-prefix=XML
// RUN: not cm-run none.pte --input none.npz --diagnostics=json 2>&1 | filecheck %s --check-prefix=TOOL

// One JSON object a line.

// CHECK: {"tool": "cm-opt", "severity": "error", "message": "'func.return' op Expected arguments to have the same types as {{.*}}", "hint": null, "file": "{{.*}}diagnostics-json.mlir", "line": [[# @LINE + 2]], "column": 3, "op": "func.return"}
func.func @f(%x: i32) -> i64 {
  func.return %x : i32
}

// -----

// CHECK-NEXT: {"tool": "cm-opt", "severity": "error", "message": "unknown operation 'arith.addii'", "hint": "did you mean {{.*}}?", "file": "{{.*}}", "line": [[# @LINE + 2]], "column": 8, "op": null}
func.func @g(%x: i32) {
  %0 = arith.addii %x, %x : i32
}

// HINT: {"tool": "cm-opt", "severity": "error", "message": "unknown pass 'cannonicalize'", "hint": "did you mean 'canonicalize'?", "file": null, "line": null, "column": null, "op": null}
// OPTION: {"tool": "cm-opt", "severity": "error", "message": "unrecognized arguments: --no-such-option; see --help", {{.*}}}
// XML: cm-opt: error: argument --diagnostics: invalid choice: 'xml' (choose from {{.*}}); see --help
// TOOL: {"tool": "cm-run", "severity": "error", "message": "cannot read 'none.npz': No such file or directory", {{.*}}}
