// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128" min-work=17},canonicalize)' | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128" min-work=16},canonicalize)' | filecheck %s --check-prefix=ENOUGH
// RUN: not cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u54-128"})' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u)' 2>&1 | filecheck %s --check-prefix=NONE

// UNKNOWN: error: there is no NPU 'ethos-u54-128'
// NONE: error: {{.*}}npu

!a = !quant.uniform<i8:f32, 0.5:3>

// CHECK:      edge.tanh {{.*}}ethos_u.reason = "its delegate is small: 16 operations, below 17"
// ENOUGH:     ethos_u.delegate
func.func @small(%x: tensor<4x4x!a>) -> tensor<4x4x!a> {
  %0 = edge.tanh %x : (tensor<4x4x!a>) -> tensor<4x4x!a>
  func.return %0 : tensor<4x4x!a>
}
