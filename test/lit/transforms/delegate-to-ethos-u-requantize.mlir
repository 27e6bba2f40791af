// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128"})' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!p = !quant.uniform<i8:f32, 0.2>

// The operand of a requantization is in its delegate, although a cast to float is between. Only
// the requantization reads it, so it is not a result.
// CHECK:       %[[D:.*]] = ethos_u.delegate
// CHECK:       ethos_u.yield %{{[a-z0-9_]*}} : tensor<32xi8>
// CHECK-NOT:   quant.dcast
// CHECK:       quant.scast %[[D]]
// CHECK:       func.return
func.func @forward(%x: tensor<4x8x!q>) -> tensor<32x!p> {
  %t = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<4x8x!q>) -> tensor<8x4x!q>
  %r = edge.reshape %t : (tensor<8x4x!q>) -> tensor<32x!q>
  %f = quant.dcast %r : tensor<32x!q> to tensor<32xf32>
  %y = quant.qcast %f : tensor<32xf32> to tensor<32x!p>
  func.return %y : tensor<32x!p>
}
