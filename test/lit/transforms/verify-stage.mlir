// RUN: cm-opt %s --pass-pipeline='builtin.module(verify-stage{stage=edge})' | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module(verify-stage{stage=quantized})' | filecheck %s
// RUN: not cm-opt %s --pass-pipeline='builtin.module(verify-stage{stage=layout})' 2>&1 | filecheck %s --check-prefix=LAYOUT
// RUN: not cm-opt %s --pass-pipeline='builtin.module(verify-stage{stage=cortex_m})' 2>&1 | filecheck %s --check-prefix=CORTEX
// RUN: not cm-opt %s --pass-pipeline='builtin.module(verify-stage{stage=planned})' 2>&1 | filecheck %s --check-prefix=PLANNED
// RUN: not cm-opt %s --pass-pipeline='builtin.module(verify-stage{stage=lowered})' 2>&1 | filecheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown stage 'lowered'; one of edge, quantized, layout, ethos_u, cortex_m, planned

// CORTEX:  error: 'func.func' op does not fit stage cortex_m: tensor<1x1x4x4x!quant.uniform<i8:f32, 0.5>> is still a quantized type
// PLANNED: error: 'func.func' op does not fit stage planned: tensor<1x1x4x4x!quant.uniform<i8:f32, 0.5>> is still a quantized type
// CHECK-LABEL: @forward
func.func @forward(%x: tensor<1x1x4x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1x2x2x!quant.uniform<i8:f32, 0.5>> {
  // CHECK:  edge.max_pool2d
  // LAYOUT: verify-stage.mlir:[[# @LINE + 1]]:3: error: 'edge.max_pool2d' op does not fit stage layout: a quantized window op is not NHWC
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x1x4x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1x2x2x!quant.uniform<i8:f32, 0.5>>
  func.return %0 : tensor<1x1x2x2x!quant.uniform<i8:f32, 0.5>>
}
