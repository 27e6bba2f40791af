// RUN: cm-opt %s -p fall-back-to-float | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-1>
!s = !quant.uniform<i8:f32, 1.0e-9>

// CHECK-LABEL: func.func @long_row
// CHECK:         edge.softmax {{.*}}"the softmax kernel is defined for rows of 511 at most, not 512"
func.func @long_row(%x: tensor<2x512x!q>) -> tensor<2x512x!q> {
  %0 = edge.softmax %x {dim = 1 : i64} : (tensor<2x512x!q>) -> tensor<2x512x!q>
  func.return %0 : tensor<2x512x!q>
}

// CHECK-LABEL: func.func @small_scale
// CHECK:         edge.softmax {{.*}}"the input's scale is too small"
func.func @small_scale(%x: tensor<2x4x!s>) -> tensor<2x4x!q> {
  %0 = edge.softmax %x {dim = 1 : i64} : (tensor<2x4x!s>) -> tensor<2x4x!q>
  func.return %0 : tensor<2x4x!q>
}

// A row of 4 saturates with a smaller factor too. A row of 512 may be too large for it.
// CHECK-LABEL: func.func @overflow
// CHECK:         edge.matmul %x, %y {transposed_rhs = false} :
// CHECK:         edge.matmul {{.*}}"the output's scale is so small that the kernel's 32-bit arithmetic may overflow"
func.func @overflow(%x: tensor<2x4x!q>, %y: tensor<4x3x!q>, %a: tensor<1x512x!q>, %b: tensor<512x1x!q>) -> (tensor<2x3x!s>, tensor<1x1x!s>) {
  %0 = edge.matmul %x, %y {transposed_rhs = false} : (tensor<2x4x!q>, tensor<4x3x!q>) -> tensor<2x3x!s>
  %1 = edge.matmul %a, %b {transposed_rhs = false} : (tensor<1x512x!q>, tensor<512x1x!q>) -> tensor<1x1x!s>
  func.return %0, %1 : tensor<2x3x!s>, tensor<1x1x!s>
}
