// RUN: %{python} -c "import numpy; numpy.savez(r'%t.npz', x=numpy.linspace(-6, 6, 32, dtype='float32')[None])"
// RUN: sed -e 's/edge.add/edge.mul/' %s > %t.mul.mlir
// RUN: cm-compile %s --emit mlir --stage quantized -o %t.quantized.mlir
// RUN: cm-compile %s -o %t.pte --report %t.json
// RUN: cm-compile %s -o %t.pte --io int8 --report %t.int8.json

// Equal files: nothing is printed, and the exit code is 0.
// RUN: cm-diff %s %s --input %t.npz > %t.none
// RUN: cm-diff %t.json %t.json >> %t.none
// RUN: not grep . %t.none

// RUN: not cm-diff %s %t.mul.mlir --input %t.npz | filecheck %s --check-prefix=IR
// IR:      ┃ diff.mlir ┃ {{.*}}mul.mlir ┃
// IR:      │ operators
// IR-NEXT: │   edge.add │         1 │ {{ *}}0 │ {{ *}}-1 │
// IR-NEXT: │   edge.mul │         0 │ {{ *}}1 │ {{ *}}+1 │
// IR:      │ outputs
// IR-NEXT: │   y        │           │ {{ *}}│ up to {{.*}} steps │

// Stages have other operators and the same results. IR that has no layouts is also of stage layout.
// RUN: not cm-diff %s %t.quantized.mlir --input %t.npz | filecheck %s --check-prefix=STAGES
// STAGES:     │   stage {{ *}}│ {{ *}}edge │ {{ *}}layout │
// STAGES-NOT: outputs

// RUN: not cm-diff %t.json %t.int8.json | filecheck %s --check-prefix=REPORTS
// REPORTS:      │   io {{ *}}│ {{ *}}float │ {{ *}}int8 │
// REPORTS:      │   arena, bytes {{ *}}│ {{ *}}128 │ {{ *}}32 │ {{ *}}-96 (-75.0%) │
// REPORTS:      │   cortex_m.dequantize_per_tensor │ {{ *}}1 │ {{ *}}0 │ {{ *}}-1 │

// Errors have exit code 2.
// RUN: %{python} -c "import subprocess, sys; sys.exit(subprocess.run(['cm-diff', *sys.argv[1:]]).returncode != 2)" %s %t.missing.mlir 2>&1 | filecheck %s --check-prefix=MISSING
// RUN: not cm-diff %s %t.json 2>&1 | filecheck %s --check-prefix=KINDS
// RUN: not cm-diff %t.json %t.json --input %t.npz 2>&1 | filecheck %s --check-prefix=INPUT
// RUN: echo '{"target": 1}' > %t.wrong.json
// RUN: not cm-diff %t.json %t.wrong.json 2>&1 | filecheck %s --check-prefix=WRONG
// RUN: not cm-diff %s 2>&1 | filecheck %s --check-prefix=ONE
// MISSING: cm-diff: error: cannot read '{{.*}}.missing.mlir': No such file or directory
// KINDS: cm-diff: error: the files must be two reports, .json, or two files of IR, .mlir
// INPUT: cm-diff: error: --input is for IR; a report has no program to run
// WRONG: cm-diff: error: '{{.*}}.wrong.json' is not a report; write one with cm-compile --report OUT.json
// ONE: cm-diff: error: the following arguments are required: {{.*}}; see --help

!q = !quant.uniform<i8:f32, 0.1>
func.func @forward(%x: tensor<1x32xf32> {edge.name = "x"}) -> (tensor<1x32xf32> {edge.name = "y"}) {
  %0 = quant.qcast %x : tensor<1x32xf32> to tensor<1x32x!q>
  %1 = quant.dcast %0 : tensor<1x32x!q> to tensor<1x32xf32>
  %2 = edge.add %1, %1 : (tensor<1x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
  %3 = quant.qcast %2 : tensor<1x32xf32> to tensor<1x32x!q>
  %4 = quant.dcast %3 : tensor<1x32x!q> to tensor<1x32xf32>
  func.return %4 : tensor<1x32xf32>
}
