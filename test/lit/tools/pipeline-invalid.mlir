// RUN: not cm-opt %s -p canonicalise 2>&1 | filecheck %s --check-prefix=CLOSE
// RUN: not cm-opt %s -p zzzz 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not cm-opt %s -p 'canonicalize{speed=3}' 2>&1 | filecheck %s --check-prefix=OPTION
// RUN: not cm-opt %s -p 'canonicalize{' 2>&1 | filecheck %s --check-prefix=BRACE
// RUN: not cm-opt %s -p 'canonicalize cse' 2>&1 | filecheck %s --check-prefix=COMMA
// RUN: not cm-opt %s -p 'canonicalize,' 2>&1 | filecheck %s --check-prefix=TRAILING
// RUN: not cm-opt %s -p ',cse' 2>&1 | filecheck %s --check-prefix=LEADING
// RUN: not cm-opt %s -p 'plan-memory{dtcm="c\rt"}' 2>&1 | filecheck %s --check-prefix=ESCAPE
// RUN: not cm-opt %s -p 'plan-memory{dtcm="\ff"}' 2>&1 | filecheck %s --check-prefix=BYTE
// RUN: not cm-opt %s --pass-pipeline='builtin.module(func.func(cse))' 2>&1 | filecheck %s --check-prefix=ANCHOR
// RUN: not cm-opt %s --pass-pipeline='builtin.module(cse' 2>&1 | filecheck %s --check-prefix=PAREN
// RUN: not cm-opt %s -p cse --pass-pipeline=cse 2>&1 | filecheck %s --check-prefix=BOTH
// RUN: not cm-opt %s --split-input-fil 2>&1 | filecheck %s --check-prefix=FLAG
// RUN: not cm-compile %s -o x --calibrat=y.npz 2>&1 | filecheck %s --check-prefix=FLAG2
// RUN: not cm-compile %s -o x --quantise 2>&1 | filecheck %s --check-prefix=FLAG3

// FLAG: cm-opt: error: unrecognized arguments: --split-input-fil; did you mean '--split-input-file'?
// FLAG2: cm-compile: error: unrecognized arguments: --calibrat=y.npz; did you mean '--calibrate'?
// FLAG3: cm-compile: error: unrecognized arguments: --quantise; see --help
// CLOSE: cm-opt: error: unknown pass 'canonicalise'; did you mean 'canonicalize'?
// UNKNOWN: cm-opt: error: unknown pass 'zzzz'; see cm-opt --list-passes
// OPTION: cm-opt: error: pass 'canonicalize' has no option 'speed'; it has none
// BRACE: cm-opt: error: malformed pass pipeline 'canonicalize{': {{.+}}
// COMMA: cm-opt: error: malformed pass pipeline 'canonicalize cse': expected a comma or pass arguments here
// TRAILING: cm-opt: error: malformed pass pipeline 'canonicalize,': expected pass name behind ','
// LEADING: cm-opt: error: malformed pass pipeline ',cse': expected pass name here
// ESCAPE: cm-opt: error: malformed pass pipeline 'plan-memory{dtcm="c\rt"}': invalid escape sequence: \r
// BYTE: cm-opt: error: malformed pass pipeline 'plan-memory{dtcm="\ff"}': 'utf-8' codec can't decode
// ANCHOR: cm-opt: error: malformed pass pipeline 'builtin.module(func.func(cse))': 'func.func(…)' is not supported; every pass runs on builtin.module
// PAREN: cm-opt: error: malformed pass pipeline 'builtin.module(cse': 'builtin.module(…)' is not supported
// BOTH: cm-opt: error: argument --pass-pipeline: not allowed with argument -p/--passes; see --help
"test.op"() : () -> ()
