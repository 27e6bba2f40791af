// RUN: cm-opt %s -o %t.mlir
// RUN: filecheck %s --input-file %t.mlir
// RUN: not cm-opt %t.missing 2>&1 | filecheck %s --check-prefix=MISSING
// RUN: not cm-opt %S 2>&1 | filecheck %s --check-prefix=DIRECTORY
// RUN: %{python} -c "open('%t.bin', 'wb').write(b'ML\xefR\x0d')"
// RUN: not cm-opt %t.bin 2>&1 | filecheck %s --check-prefix=BINARY
// RUN: not cm-opt %s -o %t.missing/out.mlir 2>&1 | filecheck %s --check-prefix=OUTPUT
// RUN: not cm-opt %s --no-such-flag 2>&1 | filecheck %s --check-prefix=FLAG
// RUN: not cm-opt %s --verify-each=maybe 2>&1 | filecheck %s --check-prefix=BOOL
// RUN: not cm-opt %s --mlir-elide-elementsattrs-if-larger=-3 2>&1 | filecheck %s --check-prefix=COUNT

// CHECK: "test.op"() {written} : () -> ()
// MISSING: cm-opt: error: cannot read '{{.*}}.missing': No such file or directory
// DIRECTORY: cm-opt: error: cannot read '{{.*}}': Is a directory
// BINARY: cm-opt: error: cannot read '{{.*}}.bin': not text (byte 0xEF at 2)
// OUTPUT: cm-opt: error: cannot write '{{.*}}out.mlir': No such file or directory
// FLAG: cm-opt: error: unrecognized arguments: --no-such-flag; see --help
// BOOL: cm-opt: error: argument --verify-each: expected true or false, got 'maybe'; see --help
// COUNT: cm-opt: error: argument --mlir-elide-elementsattrs-if-larger: expected a number of elements, got '-3'; see --help
"test.op"() {written} : () -> ()
