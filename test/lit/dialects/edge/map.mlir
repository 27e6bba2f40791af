// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module(canonicalize,convert-edge-to-portable,convert-edge-to-cortex-m{target=cortex-m55})' | filecheck %s --check-prefix=KERNEL

!q = !quant.uniform<i8:f32, 0.1>

// CHECK:      %0 = edge.map %x {
// CHECK-NEXT: ^bb0(%1: tensor<f32>):
// CHECK-NEXT:   %2 = edge.exp %1 : (tensor<f32>) -> tensor<f32>
// CHECK-NEXT:   edge.yield %2 : tensor<f32>
// CHECK-NEXT: } : (tensor<3x!quant.uniform<i8:f32, 0.1>>) -> tensor<3x!quant.uniform<i8:f32, 0.1>>

// KERNEL-NOT: edge.
// KERNEL:     cortex_m.quantized_activation
func.func @map(%x: tensor<3x!q>) -> tensor<3x!q> {
  %0 = edge.map %x {
  ^bb0(%1: tensor<f32>):
    %2 = edge.exp %1 : (tensor<f32>) -> tensor<f32>
    edge.yield %2 : tensor<f32>
  } : (tensor<3x!q>) -> tensor<3x!q>
  func.return %0 : tensor<3x!q>
}
