// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128"})' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>

// An operator without an op in the dialect runs on the core, with the reason, between two delegates.
// CHECK:       ethos_u.delegate
// CHECK:       edge.call "aten.cumsum.default"
// CHECK-SAME:  ethos_u.reason = "aten.cumsum.default has no lowering to TOSA"
// CHECK:       ethos_u.delegate
func.func @forward(%x: tensor<4x8x!q>) -> tensor<8x4x!q> {
  %s = edge.sigmoid %x : (tensor<4x8x!q>) -> tensor<4x8x!q>
  %t = edge.permute %s {perm = array<i64: 1, 0>} : (tensor<4x8x!q>) -> tensor<8x4x!q>
  %i = quant.scast %t : tensor<8x4x!q> to tensor<8x4xi8>
  %c = edge.call "aten.cumsum.default"(%i) {arguments = [#edge.operand<0>, 1 : i64, "int8"]} : (tensor<8x4xi8>) -> tensor<8x4xi8>
  %q = quant.scast %c : tensor<8x4xi8> to tensor<8x4x!q>
  %y = edge.tanh %q : (tensor<8x4x!q>) -> tensor<8x4x!q>
  func.return %y : tensor<8x4x!q>
}
