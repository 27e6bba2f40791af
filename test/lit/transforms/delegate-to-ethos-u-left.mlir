// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128"})' --split-input-file | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u85-256"})' --split-input-file | filecheck %s --check-prefix=U85

!a = !quant.uniform<i8:f32, 0.5:3>

// The reason why an op stays on the core: its lowering needs something that the NPU lacks.
// CHECK-LABEL: @long_stride
// CHECK:         edge.max_pool2d {{.*}}ethos_u.reason = "tosa.max_pool2d: a stride is 3 at most, not 4"
// U85-LABEL:   @long_stride
// U85:           tosa.max_pool2d
func.func @long_stride(%x: tensor<1x21x21x2x!a>) -> tensor<1x5x5x2x!a> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 5, 5>, stride = array<i64: 4, 4>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, data_format = "NHWC"} : (tensor<1x21x21x2x!a>) -> tensor<1x5x5x2x!a>
  func.return %0 : tensor<1x5x5x2x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// CHECK-LABEL: @not_nhwc
// CHECK:         edge.max_pool2d {{.*}}ethos_u.reason = "works on NHWC"
func.func @not_nhwc(%x: tensor<1x2x8x8x!a>) -> tensor<1x2x4x4x!a> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x2x8x8x!a>) -> tensor<1x2x4x4x!a>
  func.return %0 : tensor<1x2x4x4x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// CHECK-LABEL: @border
// CHECK:         quant.qcast %x {ethos_u.reason = "converts between float and integers; the NPU has integers only"}
func.func @border(%x: tensor<4xf32>) -> tensor<4x!a> {
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!a>
  func.return %0 : tensor<4x!a>
}
