// What C source cannot be made for is an error at its line, and nothing is written.
// RUN: rm -rf %t && mkdir %t
// RUN: not cm-compile %s --emit c -o %t/out/ 2>&1 | filecheck %s
// RUN: not ls %t/out
// RUN: not cm-compile %s --emit c -o %t/net.c 2>&1 | filecheck %s --check-prefix FILE
// RUN: not cm-compile %s --emit pte,c -o %t/net 2>&1 | filecheck %s --check-prefix SEVERAL
// RUN: not cm-compile %s --emit elf -o %t/out/ 2>&1 | filecheck %s --check-prefix KIND
// RUN: not cm-compile %s --name 2net -o %t/out/ 2>&1 | filecheck %s --check-prefix NAME
// RUN: not cm-compile %s --from-stage layout -o %t/out/ 2>&1 | filecheck %s --check-prefix STAGE

func.func @forward(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // CHECK: c-source-invalid.mlir:{{[0-9:]+}} error: 'edge.call' op aten.erf.default has no C form; emit a .pte, or replace the operator in the model
  %y = edge.call "aten.erf.default"(%x) {arguments = [#edge.operand<0>]} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %z = cortex_m.view %y : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %z : tensor<2x3xf32>
}

// FILE: cm-compile: error: C source is a directory of files; end the path of -o with /
// SEVERAL: cm-compile: error: several outputs need a directory; end the path of -o with /
// KIND: cm-compile: error: cannot emit 'elf'; one of pte, mlir, header, c
// NAME: cm-compile: error: the name '2net' is not a C identifier; use letters, digits and _
// STAGE: error: 'cortex_m.view' op does not belong to stage layout
