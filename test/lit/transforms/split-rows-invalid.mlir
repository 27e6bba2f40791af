// RUN: cm-opt %s --pass-pipeline='builtin.module(split-rows{max-arena=1000})' --split-input-file --verify-diagnostics

// The error is at the call that needs the most, with what is possible.
func.func @wide(%x: tensor<1x8x8x8xi8>) -> tensor<1x8x8x8xi8> {
  // expected-error@+1 {{'cortex_m.transpose' op the arena has 1,024 bytes, most of them here; in strips of rows about 1,024 are possible, which is more than 1,000}}
  %0 = cortex_m.transpose %x {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x8x8x8xi8>) -> tensor<1x8x8x8xi8>
  func.return %0 : tensor<1x8x8x8xi8>
}
