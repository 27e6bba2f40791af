// RUN: cm-opt %s -p convert-edge-to-cortex-m,canonicalize | filecheck %s
// RUN: cm-opt %s -p 'convert-edge-to-cortex-m{target="cortex-m7"},canonicalize' | filecheck %s --check-prefix=DSP

!q = !quant.uniform<i8:f32, 0.5:-1>
!p = !quant.uniform<i8:f32, 0.00390625:-128>

// Batches are one dimension; MVE keeps a sum for each of the 5 columns.
// CHECK-LABEL: func.func @matmul
// CHECK:         %[[S:.*]] = cortex_m.scratch : tensor<20xi8>
// CHECK:         cortex_m.quantized_batch_matmul {{.*}} scratch %[[S]] {lhs_zero_point = 1 : i32, rhs_zero_point = 128 : i32, output_zero_point = -1 : i32, output_multiplier = 1073741824 : i32, output_shift = -7 : i32} : (tensor<6x3x4xi8>, tensor<6x5x4xi8>, tensor<20xi8>) -> tensor<6x3x5xi8>
// DSP-LABEL:   func.func @matmul
// DSP:           cortex_m.scratch : tensor<0xi8>
func.func @matmul(%x: tensor<2x3x3x4x!q>, %y: tensor<2x3x5x4x!p>) -> tensor<2x3x3x5x!q> {
  %0 = edge.matmul %x, %y {transposed_rhs = true} : (tensor<2x3x3x4x!q>, tensor<2x3x5x4x!p>) -> tensor<2x3x3x5x!q>
  func.return %0 : tensor<2x3x3x5x!q>
}

// 0.5 · 2^26 is 2^30 / 2^31 · 2^26. Differences up to 31 / 0.5 count.
// CHECK-LABEL: func.func @softmax
// CHECK-NEXT:    cortex_m.softmax %x {dim = 1 : i32, input_zero_point = -1 : i32, output_zero_point = -128 : i32, input_multiplier = 1073741824 : i32, input_shift = 26 : i32, diff_min = -31 : i32}
func.func @softmax(%x: tensor<3x5x!q>) -> tensor<3x5x!p> {
  %0 = edge.softmax %x {dim = 1 : i64} : (tensor<3x5x!q>) -> tensor<3x5x!p>
  func.return %0 : tensor<3x5x!p>
}

// The kernel has one result type only.
// CHECK-LABEL: func.func @other_type
// CHECK:         cortex_m.softmax
// CHECK:         cortex_m.quantized_activation
func.func @other_type(%x: tensor<3x5x!q>) -> tensor<3x5x!q> {
  %0 = edge.softmax %x {dim = 1 : i64} : (tensor<3x5x!q>) -> tensor<3x5x!q>
  func.return %0 : tensor<3x5x!q>
}
