// RUN: cm-opt %s -p convert-edge-to-cortex-m,canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-1>

// A dimension that is not padded is merged with the one before it.
// CHECK-LABEL: func.func @pad
// CHECK:         cortex_m.view %x : (tensor<2x3x5x7x2xi8>) -> tensor<1x2x3x70xi8>
// CHECK-NEXT:    cortex_m.pad {{.*}} {pre_pad = array<i64: 0, 0, 1, 0>, post_pad = array<i64: 0, 0, 0, 28>, pad_value = 1 : i32}
func.func @pad(%x: tensor<2x3x5x7x2x!q>) -> tensor<2x4x7x7x2x!q> {
  %0 = edge.pad %x {low = array<i64: 0, 1, 0, 0, 0>, high = array<i64: 0, 0, 2, 0, 0>, value = 1.0 : f32} : (tensor<2x3x5x7x2x!q>) -> tensor<2x4x7x7x2x!q>
  func.return %0 : tensor<2x4x7x7x2x!q>
}

// Indices that rise evenly become a slice, others a constant.
// CHECK-LABEL: func.func @take
// CHECK:         edge.call "aten.slice_copy.Tensor"{{.*}} [#edge.operand<0>, 0 : i64, 1 : i64, 4 : i64, 2 : i64]
// CHECK:         arith.constant dense<[2, 0]> : tensor<2xi32>
// CHECK:         edge.call "aten.index_select.default"{{.*}} reason = {{.*}} -> tensor<2x2xi8>
func.func @take(%x: tensor<5x3x!q>) -> tensor<2x2x!q> {
  %0 = edge.take %x {dim = 0 : i64, indices = array<i64: 1, 3>} : (tensor<5x3x!q>) -> tensor<2x3x!q>
  %1 = edge.take %0 {dim = 1 : i64, indices = array<i64: 2, 0>} : (tensor<2x3x!q>) -> tensor<2x2x!q>
  func.return %1 : tensor<2x2x!q>
}

// The transpose kernel takes rank 4, so a pixel shuffle's permute becomes two.
// CHECK-LABEL: func.func @permute
// CHECK:         cortex_m.transpose {{.*}} {perm = array<i64: 0, 2, 1, 3>} : (tensor<3x4x5x6xi8>) -> tensor<3x5x4x6xi8>
// CHECK:         cortex_m.transpose {{.*}} {perm = array<i64: 0, 2, 1>} : (tensor<30x2x6xi8>) -> tensor<30x6x2xi8>
// CHECK-NOT:     cortex_m.transpose
func.func @permute(%x: tensor<3x2x2x5x6x!q>) -> tensor<3x5x2x6x2x!q> {
  %0 = edge.permute %x {perm = array<i64: 0, 3, 1, 4, 2>} : (tensor<3x2x2x5x6x!q>) -> tensor<3x5x2x6x2x!q>
  func.return %0 : tensor<3x5x2x6x2x!q>
}
