// RUN: cm-compile %s -o %t.pte --report %t.html --report %t.json --arena-picture | filecheck %s
// RUN: filecheck %s --input-file %t.html --check-prefix=PAGE
// RUN: filecheck %s --input-file %t.json --check-prefix=JSON
// RUN: not cm-compile %s -o %t.x.pte --report %t.missing/r.html 2>&1 | filecheck %s --check-prefix=FOLDER
// RUN: not cm-compile %s -o %t.x.pte --report %t.x.pte 2>&1 | filecheck %s --check-prefix=SAME
// RUN: not cm-compile %s -o %t.x.pte --compare in.npz 2>&1 | filecheck %s --check-prefix=NO-PAGE
// RUN: not cm-compile %s -o %t.x.pte --compare in.npz --report %t.x.json 2>&1 | filecheck %s --check-prefix=NO-PAGE
// RUN: not cm-compile %s --emit mlir -o - --arena-picture 2>&1 | filecheck %s --check-prefix=PRINTED
// RUN: %{python} -c "import numpy as n; n.savez(r'%t.npz', x=n.zeros((3, 1, 32), 'float32')); n.savez(r'%t.other.npz', x=n.zeros((3, 1, 31), 'float32')); n.savez(r'%t.flat.npz', x=n.float32(0))"
// RUN: cm-compile %s -o %t.pte --report %t.html --compare %t.npz
// RUN: filecheck %s --input-file %t.html --check-prefix=ACCURACY
// RUN: not cm-compile %s -o %t.x.pte --report %t.x.html --compare %t.other.npz 2>&1 | filecheck %s --check-prefix=SHAPE
// RUN: not cm-compile %s -o %t.x.pte --report %t.x.html --compare %t.flat.npz 2>&1 | filecheck %s --check-prefix=SAMPLES
// RUN: cm-compile %s --emit mlir --stage planned -o %t.planned.mlir
// RUN: not cm-compile %t.planned.mlir -o %t.x.pte --report %t.x.html --compare %t.npz 2>&1 | filecheck %s --check-prefix=STAGE
// RUN: not ls %t.x.pte %t.x.html %t.x.json

// The report is printed, then the picture. The arena has 128 bytes: 32 floats.
// CHECK:      cortex-m55, float in and out
// CHECK:      every operator is on an integer kernel
// CHECK-NEXT: RAM {{.*}} bytes with ExecuTorch's tables, flash {{.*}} bytes, float operators 0
// CHECK-NEXT: 128 │{{█+}}
// CHECK:      └───
// CHECK-NEXT: ▲
// CHECK-NEXT: peak: 128 bytes hold a value at the inputs
// CHECK-NEXT: █ {{ *}}128 bytes at         0, %x, an argument

// PAGE: <title>report – cmopt report</title>
// PAGE: "name":"edge","ops":[{"name":"input x","kind":"border"
// JSON: "arena_bytes": 128
// ACCURACY: "accuracy":[{"op":

// FOLDER: cm-compile: error: cannot write '{{.*}}r.html': No such file or directory
// SAME: cm-compile: error: '{{.*}}' and '{{.*}}' are the same file
// NO-PAGE: cm-compile: error: --compare adds to a page; add --report OUT.html
// PRINTED: cm-compile: error: --arena-picture and the output cannot both be printed; give a file with -o
// SHAPE: error: {{.*}}[1, 31]
// SAMPLES: cm-compile: error: '{{.*}}.flat.npz': the arrays hold different numbers of samples
// STAGE: cm-compile: error: --compare needs the stage quantized; compile the .pt2, or IR of the stages edge or quantized

!q = !quant.uniform<i8:f32, 0.1>
func.func @forward(%x: tensor<1x32xf32> {edge.name = "x"}) -> (tensor<1x32xf32> {edge.name = "y"}) {
  %0 = quant.qcast %x : tensor<1x32xf32> to tensor<1x32x!q>
  %1 = quant.dcast %0 : tensor<1x32x!q> to tensor<1x32xf32>
  %2 = edge.add %1, %1 : (tensor<1x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
  %3 = quant.qcast %2 : tensor<1x32xf32> to tensor<1x32x!q>
  %4 = quant.dcast %3 : tensor<1x32x!q> to tensor<1x32xf32>
  func.return %4 : tensor<1x32xf32>
}
