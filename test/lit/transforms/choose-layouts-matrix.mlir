// RUN: cm-opt %s -p choose-layouts,fold-inverse-permutes | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-1>
!p = !quant.uniform<i8:f32, 0.00390625:-128>

// A transposed product is the product of the exchanged operands.
// CHECK-LABEL: func.func @exchanged
// CHECK-NEXT:    edge.matmul %y, %x {transposed_rhs = true} : (tensor<2x5x4x!{{.*}}>, tensor<2x3x4x!{{.*}}>) -> tensor<2x5x3x
// CHECK-NEXT:    func.return
func.func @exchanged(%x: tensor<2x3x4x!q>, %y: tensor<2x5x4x!q>) -> tensor<2x5x3x!q> {
  %0 = edge.matmul %x, %y {transposed_rhs = true} : (tensor<2x3x4x!q>, tensor<2x5x4x!q>) -> tensor<2x3x5x!q>
  %1 = edge.permute %0 {perm = array<i64: 0, 2, 1>} : (tensor<2x3x5x!q>) -> tensor<2x5x3x!q>
  func.return %1 : tensor<2x5x3x!q>
}

// The rows of a softmax may be in any order.
// CHECK-LABEL: func.func @rows
// CHECK-NEXT:    edge.softmax %x {dim = 2 : i64} : (tensor<2x3x4x
// CHECK-NEXT:    func.return
func.func @rows(%x: tensor<2x3x4x!q>) -> tensor<2x3x4x!p> {
  %0 = edge.permute %x {perm = array<i64: 1, 0, 2>} : (tensor<2x3x4x!q>) -> tensor<3x2x4x!q>
  %1 = edge.softmax %0 {dim = 2 : i64} : (tensor<3x2x4x!q>) -> tensor<3x2x4x!p>
  %2 = edge.permute %1 {perm = array<i64: 1, 0, 2>} : (tensor<3x2x4x!p>) -> tensor<2x3x4x!p>
  func.return %2 : tensor<2x3x4x!p>
}
