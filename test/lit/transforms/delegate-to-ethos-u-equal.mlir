// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128"},cse)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1:-128>

// Two equal ops on the NPU become one op with one result: the runtime does not take a result twice.
// CHECK:       %[[D:[a-z0-9_]*]] = ethos_u.delegate
// CHECK:       tosa.table
// CHECK-NOT:   tosa.table
// CHECK:       ethos_u.yield %{{[a-z0-9_]*}} : tensor<4x8xi8>
func.func @forward(%x: tensor<4x8x!q>) -> (tensor<4x8x!q>, tensor<4x8x!q>) {
  %r = edge.relu %x : (tensor<4x8x!q>) -> tensor<4x8x!q>
  %s = edge.sigmoid %r : (tensor<4x8x!q>) -> tensor<4x8x!q>
  %t = edge.sigmoid %x : (tensor<4x8x!q>) -> tensor<4x8x!q>
  func.return %s, %t : tensor<4x8x!q>, tensor<4x8x!q>
}
