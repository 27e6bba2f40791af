// RUN: cm-opt %s -p 'plan-memory{dtcm=64},verify-plan' --split-input-file | filecheck %s
// RUN: cm-opt %s -p 'plan-memory{dtcm=32},verify-plan' --split-input-file | filecheck %s --check-prefix=FAST
// RUN: cm-opt %s -p 'plan-memory{dtcm=32 max-arena=170},verify-plan' --split-input-file | filecheck %s --check-prefix=LIMIT

// What calls read and write most is in the fast memory; inputs and outputs are in the arena.
// CHECK-LABEL: @inside
// CHECK-SAME:    (%x: tensor<32xi8, #cortex_m.place<arena, 0>>
// CHECK-SAME:    cortex_m.dtcm_bytes = 32 : i64, cortex_m.arena_bytes = 64 : i64
// CHECK:         cortex_m.maximum {{.*}} -> tensor<32xi8, #cortex_m.place<dtcm, 0>>
// CHECK:         cortex_m.minimum {{.*}} -> tensor<32xi8, #cortex_m.place<arena, {{[0-9]+}}>>
func.func @inside(%x: tensor<32xi8>, %y: tensor<32xi8>) -> tensor<32xi8> {
  %0 = cortex_m.maximum %x, %y : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
  %1 = cortex_m.minimum %0, %y : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
  func.return %1 : tensor<32xi8>
}

// -----

// %p is read and written more than %q, but the arena is smaller without %q, which lives long.
// LIMIT-LABEL: @limit
// LIMIT-SAME:    cortex_m.dtcm_bytes = 32 : i64, cortex_m.arena_bytes = 160 : i64
// LIMIT:         %q = {{.*}} -> tensor<32xi8, #cortex_m.place<dtcm, 0>>
// LIMIT:         %p = {{.*}} -> tensor<32xi8, #cortex_m.place<arena,
// FAST-LABEL:  @limit
// FAST-SAME:     cortex_m.dtcm_bytes = 32 : i64, cortex_m.arena_bytes = 192 : i64
// FAST:          %q = {{.*}} -> tensor<32xi8, #cortex_m.place<arena,
// FAST:          %p = {{.*}} -> tensor<32xi8, #cortex_m.place<dtcm, 0>>
func.func @limit(%x: tensor<32xi8>, %y: tensor<64xi8>) -> (tensor<32xi8>, tensor<64xi8>, tensor<32xi8>) {
  %q = cortex_m.transpose %x {perm = array<i64: 0>} : (tensor<32xi8>) -> tensor<32xi8>
  %p = cortex_m.transpose %x {perm = array<i64: 0>} : (tensor<32xi8>) -> tensor<32xi8>
  %r = cortex_m.minimum %p, %p : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
  %s = cortex_m.transpose %y {perm = array<i64: 0>} : (tensor<64xi8>) -> tensor<64xi8>
  %u = cortex_m.transpose %s {perm = array<i64: 0>} : (tensor<64xi8>) -> tensor<64xi8>
  %v = cortex_m.transpose %q {perm = array<i64: 0>} : (tensor<32xi8>) -> tensor<32xi8>
  func.return %r, %u, %v : tensor<32xi8>, tensor<64xi8>, tensor<32xi8>
}

// -----

// A fast memory that holds nothing leaves no attribute.
// CHECK-LABEL: @large
// CHECK-NOT:     dtcm
func.func @large(%x: tensor<96xi8>) -> tensor<96xi8> {
  %0 = cortex_m.maximum %x, %x : (tensor<96xi8>, tensor<96xi8>) -> tensor<96xi8>
  %1 = cortex_m.minimum %0, %0 : (tensor<96xi8>, tensor<96xi8>) -> tensor<96xi8>
  func.return %1 : tensor<96xi8>
}
