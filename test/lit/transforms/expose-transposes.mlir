// RUN: cm-opt %s -p expose-transposes,canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-1>
!p = !quant.uniform<i8:f32, 0.00390625:-128>

// The transpose of an attention's keys and the one that the kernel needs cancel.
// CHECK-LABEL: func.func @scores
// CHECK-NEXT:    edge.matmul %q, %k {transposed_rhs = true} : (tensor<2x3x4x!{{.*}}>, tensor<2x5x4x!
func.func @scores(%q: tensor<2x3x4x!q>, %k: tensor<2x5x4x!q>) -> tensor<2x3x5x!q> {
  %0 = edge.permute %k {perm = array<i64: 0, 2, 1>} : (tensor<2x5x4x!q>) -> tensor<2x4x5x!q>
  %1 = edge.matmul %q, %0 {transposed_rhs = false} : (tensor<2x3x4x!q>, tensor<2x4x5x!q>) -> tensor<2x3x5x!q>
  func.return %1 : tensor<2x3x5x!q>
}

// CHECK-LABEL: func.func @channels
// CHECK-NEXT:    %[[B:.*]] = edge.permute %x {perm = array<i64: 0, 2, 1>}
// CHECK-NEXT:    %[[S:.*]] = edge.softmax %[[B]] {dim = 2 : i64}
// CHECK-NEXT:    edge.permute %[[S]] {perm = array<i64: 0, 2, 1>}
func.func @channels(%x: tensor<2x3x4x!q>) -> tensor<2x3x4x!p> {
  %0 = edge.softmax %x {dim = 1 : i64} : (tensor<2x3x4x!q>) -> tensor<2x3x4x!p>
  func.return %0 : tensor<2x3x4x!p>
}

// Float ops keep PyTorch's form.
// CHECK-LABEL: func.func @floats
// CHECK-NEXT:    edge.matmul {{.*}}transposed_rhs = false
// CHECK-NEXT:    edge.softmax {{.*}}dim = 0
func.func @floats(%x: tensor<3x4xf32>, %y: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %0 = edge.matmul %x, %y {transposed_rhs = false} : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  %1 = edge.softmax %0 {dim = 0 : i64} : (tensor<3x5xf32>) -> tensor<3x5xf32>
  func.return %1 : tensor<3x5xf32>
}
