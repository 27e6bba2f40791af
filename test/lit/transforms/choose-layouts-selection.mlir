// RUN: cm-opt %s -p choose-layouts,fold-inverse-permutes | filecheck %s

// Picking and padding work in any layout.
// CHECK-LABEL: func.func @between
// CHECK-NEXT:    %[[T:.*]] = edge.take %x {dim = 2 : i64, indices = array<i64: 1, 0>}
// CHECK-NEXT:    edge.pad %[[T]] {low = array<i64: 0, 1, 0>, high = array<i64: 2, 0, 0>
// CHECK-NEXT:    func.return
func.func @between(%x: tensor<3x4x2xf32>) -> tensor<5x5x2xf32> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  %1 = edge.take %0 {dim = 0 : i64, indices = array<i64: 1, 0>} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %2 = edge.pad %1 {low = array<i64: 0, 0, 1>, high = array<i64: 0, 2, 0>, value = 0.0 : f32} : (tensor<2x3x4xf32>) -> tensor<2x5x5xf32>
  %3 = edge.permute %2 {perm = array<i64: 1, 2, 0>} : (tensor<2x5x5xf32>) -> tensor<5x5x2xf32>
  func.return %3 : tensor<5x5x2xf32>
}
