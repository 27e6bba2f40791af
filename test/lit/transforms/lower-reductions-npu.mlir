// RUN: cm-opt %s --pass-pipeline='builtin.module(lower-reductions{npu="ethos-u55-128"})' | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:3>

// With an NPU, the least element of a row is a pool between two tables, which the NPU computes.
// CHECK-LABEL: func.func @amin
// CHECK-NEXT:    edge.neg %x : {{.*}} -> tensor<4x!quant.uniform<i8:f32, 0.5:-4>>
// CHECK:         edge.max_pool2d
// CHECK:         edge.neg {{.*}} -> tensor<1x!quant.uniform<i8:f32, 0.5:3>>
func.func @amin(%x: tensor<4x!q>) -> tensor<1x!q> {
  %0 = edge.amin %x {dims = array<i64: 0>} : (tensor<4x!q>) -> tensor<1x!q>
  func.return %0 : tensor<1x!q>
}
