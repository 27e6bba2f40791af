// RUN: cm-opt %s --pass-pipeline='builtin.module(canonicalize)' | filecheck %s

// The patterns are tested in ../dialects/*/canonicalize.mlir. This tests that they run until
// nothing changes, with folding, and that unused ops are erased.
// CHECK-LABEL: @together
// CHECK-NEXT:    func.return %x :
func.func @together(%x: tensor<2x3x!quant.uniform<i8:f32, 0.1>>) -> tensor<2x3x!quant.uniform<i8:f32, 0.1>> {
  %unused = edge.relu %x : (tensor<2x3x!quant.uniform<i8:f32, 0.1>>) -> tensor<2x3x!quant.uniform<i8:f32, 0.1>>
  %0 = quant.dcast %x : tensor<2x3x!quant.uniform<i8:f32, 0.1>> to tensor<2x3xf32>
  %1 = edge.permute %0 {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = edge.permute %1 {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %3 = edge.reshape %2 : (tensor<2x3xf32>) -> tensor<6xf32>
  %4 = edge.reshape %3 : (tensor<6xf32>) -> tensor<2x3xf32>
  %5 = quant.qcast %4 : tensor<2x3xf32> to tensor<2x3x!quant.uniform<i8:f32, 0.1>>
  func.return %5 : tensor<2x3x!quant.uniform<i8:f32, 0.1>>
}

// CHECK-LABEL: @folding
// CHECK-NEXT:    func.return %x :
func.func @folding(%x: i32) -> i32 {
  %c1 = arith.constant 1 : i32
  %c-1 = arith.constant -1 : i32
  %0 = arith.addi %c1, %c-1 : i32
  %1 = arith.addi %x, %0 : i32
  func.return %1 : i32
}
