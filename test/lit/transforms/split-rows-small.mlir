// RUN: cm-opt %s --pass-pipeline='builtin.module(split-rows{max-arena=10})' --verify-diagnostics

// The search for what is possible ends for a few bytes too.
func.func @few(%x: tensor<4x4xi8>) -> tensor<4x4xi8> {
  // expected-error@+1 {{'cortex_m.transpose' op the arena has 32 bytes, most of them here; in strips of rows about 32 are possible, which is more than 10}}
  %0 = cortex_m.transpose %x {perm = array<i64: 1, 0>} : (tensor<4x4xi8>) -> tensor<4x4xi8>
  func.return %0 : tensor<4x4xi8>
}
