// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128"},canonicalize)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1:-128>

// A clamp that cuts nothing of its type becomes its operand: no delegate is left.
// CHECK-LABEL: @alone
// CHECK-NOT:   ethos_u.delegate
// CHECK:       func.return
func.func @alone(%x: tensor<4x8x!q>) -> tensor<4x8x!q> {
  %y = edge.relu %x : (tensor<4x8x!q>) -> tensor<4x8x!q>
  func.return %y : tensor<4x8x!q>
}

// If the delegate has another op, the clamp's operand is passed around the delegate.
// CHECK-LABEL: @beside
// CHECK-SAME:  (%[[X:.*]]: {{.*}}, %[[Y:.*]]: {{[^)]*}})
// CHECK:       %[[I:.*]] = quant.scast %[[Y]]
// CHECK:       ethos_u.delegate "ethos-u55-128"(%[[I]])
// CHECK:       %[[T:.*]] = quant.scast
// CHECK:       func.return %[[X]], %[[T]]
func.func @beside(%x: tensor<4x8x!q>, %y: tensor<4x8x!q>) -> (tensor<4x8x!q>, tensor<8x4x!q>) {
  %r = edge.relu %x : (tensor<4x8x!q>) -> tensor<4x8x!q>
  %t = edge.permute %y {perm = array<i64: 1, 0>} : (tensor<4x8x!q>) -> tensor<8x4x!q>
  func.return %r, %t : tensor<4x8x!q>, tensor<8x4x!q>
}
