// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128"})' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!p = !quant.uniform<i8:f32, 0.00390625:-128>

// A softmax between ops of the core stays there. The op after it needs no delegate of its own:
// both functions are in one.
// CHECK:       edge.softmax {{.*}}ethos_u.reason = "at the end of a delegate it is cheaper on the core, because it is small"
// CHECK:       ethos_u.delegate
// CHECK:       tosa.table
// CHECK:       tosa.table
// CHECK-NOT:   ethos_u.delegate
func.func @forward(%x: tensor<4x8x!q>) -> (tensor<4x8x!q>, tensor<4x8x!p>) {
  %t = edge.tanh %x : (tensor<4x8x!q>) -> tensor<4x8x!q>
  %s = edge.softmax %x {dim = 1 : i64} : (tensor<4x8x!q>) -> tensor<4x8x!p>
  %i = quant.scast %s : tensor<4x8x!p> to tensor<4x8xi8>
  %c = edge.call "aten.cumsum.default"(%i) {arguments = [#edge.operand<0>, 1 : i64, "int8"]} : (tensor<4x8xi8>) -> tensor<4x8xi8>
  %d = quant.scast %c : tensor<4x8xi8> to tensor<4x8x!p>
  %u = edge.tanh %d : (tensor<4x8x!p>) -> tensor<4x8x!p>
  func.return %t, %u : tensor<4x8x!q>, tensor<4x8x!p>
}
