// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m,canonicalize)' --split-input-file --mlir-elide-elementsattrs-if-larger=16 | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m,canonicalize)' --split-input-file | filecheck %s --check-prefix=TABLE

// If the type stays, the kernel does a fused clamp.
// CHECK-LABEL: @max_pool2d
// CHECK-NEXT:    %0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 0, 1>, dilation = array<i64: 1, 1>, ceil_mode = false, input_zero_point = 4 : i32, output_zero_point = 4 : i32, activation_min = 4 : i32, activation_max = 127 : i32} : (tensor<1x8x8x4xi8>) -> tensor<1x4x4x4xi8>
// CHECK-NEXT:    func.return %0
func.func @max_pool2d(%x: tensor<1x8x8x4x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<1x4x4x4x!quant.uniform<i8:f32, 0.5:4>> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 0, 1, 1, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, activation_min = 0.0 : f32, data_format = "NHWC"} : (tensor<1x8x8x4x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<1x4x4x4x!quant.uniform<i8:f32, 0.5:4>>
  func.return %0 : tensor<1x4x4x4x!quant.uniform<i8:f32, 0.5:4>>
}

// -----

// The kernels do not requantize, so a table follows.
// CHECK-LABEL: @max_pool2d_requantize
// CHECK-NEXT:    %0 = cortex_m.quantized_max_pool2d %x {{{.*}}input_zero_point = 4 : i32, output_zero_point = 4 : i32, activation_min = -128 : i32, activation_max = 127 : i32}
// CHECK-NEXT:    %lut = arith.constant dense_resource<__elided__> : tensor<256xi8>
// CHECK-NEXT:    %1 = cortex_m.quantized_activation %0 lut %lut
// CHECK-NEXT:    func.return %1
func.func @max_pool2d_requantize(%x: tensor<1x8x8x4x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<1x4x4x4x!quant.uniform<i8:f32, 0.25>> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, data_format = "NHWC"} : (tensor<1x8x8x4x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<1x4x4x4x!quant.uniform<i8:f32, 0.25>>
  func.return %0 : tensor<1x4x4x4x!quant.uniform<i8:f32, 0.25>>
}

// -----

// A fused clamp goes into the table: 0.5 is between two steps of the pool's type.
// TABLE-LABEL: @max_pool2d_clamp_requantize
// TABLE:         dense<"0x{{((80){127})}}9C00{{((32){127})}}"> : tensor<256xi8>
// CHECK-LABEL: @max_pool2d_clamp_requantize
// CHECK-NEXT:    %0 = cortex_m.quantized_max_pool2d %x {{{.*}}activation_min = -128 : i32, activation_max = 127 : i32}
// CHECK-NEXT:    %lut = arith.constant
// CHECK-NEXT:    %1 = cortex_m.quantized_activation %0 lut %lut
// CHECK-NEXT:    func.return %1
func.func @max_pool2d_clamp_requantize(%x: tensor<1x8x8x4x!quant.uniform<i8:f32, 1.0>>) -> tensor<1x4x4x4x!quant.uniform<i8:f32, 0.01>> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, activation_max = 0.5 : f32, data_format = "NHWC"} : (tensor<1x8x8x4x!quant.uniform<i8:f32, 1.0>>) -> tensor<1x4x4x4x!quant.uniform<i8:f32, 0.01>>
  func.return %0 : tensor<1x4x4x4x!quant.uniform<i8:f32, 0.01>>
}

// -----

// The kernel divides by the number of positions inside the input, as PyTorch without count_include_pad.
// CHECK-LABEL: @avg_pool2d
// CHECK-NEXT:    %scratch = cortex_m.scratch
// CHECK-NEXT:    %0 = cortex_m.quantized_avg_pool2d %x scratch %scratch {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 1, 1>, ceil_mode = false, zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} : (tensor<1x7x7x4xi8>, tensor<{{[0-9]+}}xi8>) -> tensor<1x4x4x4xi8>
// CHECK-NEXT:    func.return %0
func.func @avg_pool2d(%x: tensor<1x7x7x4x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<1x4x4x4x!quant.uniform<i8:f32, 0.5:4>> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 1, 1, 1, 1>, ceil_mode = false, count_include_pad = false, data_format = "NHWC"} : (tensor<1x7x7x4x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<1x4x4x4x!quant.uniform<i8:f32, 0.5:4>>
  func.return %0 : tensor<1x4x4x4x!quant.uniform<i8:f32, 0.5:4>>
}

// -----

// If padding counts, the input is first padded with zero points.
// CHECK-LABEL: @avg_pool2d_count_include_pad
// CHECK-NEXT:    %0 = cortex_m.pad %x {pre_pad = array<i64: 0, 1, 1, 0>, post_pad = array<i64: 0, 1, 1, 0>, pad_value = 4 : i32} : (tensor<1x7x7x4xi8>) -> tensor<1x9x9x4xi8>
// CHECK-NEXT:    %scratch = cortex_m.scratch
// CHECK-NEXT:    %1 = cortex_m.quantized_avg_pool2d %0 scratch %scratch {{{.*}}padding = array<i64: 0, 0>
// CHECK-NEXT:    func.return %1
func.func @avg_pool2d_count_include_pad(%x: tensor<1x7x7x4x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<1x4x4x4x!quant.uniform<i8:f32, 0.5:4>> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 1, 1, 1, 1>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x7x7x4x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<1x4x4x4x!quant.uniform<i8:f32, 0.5:4>>
  func.return %0 : tensor<1x4x4x4x!quant.uniform<i8:f32, 0.5:4>>
}

// PyTorch drops a window that would begin in the padding. The kernel is not given that padding.
// CHECK-LABEL: @avg_pool2d_dropped_window
// CHECK-NEXT:    %0 = cortex_m.pad %x {pre_pad = array<i64: 0, 1, 1, 0>, post_pad = array<i64: 0, 0, 1, 0>, pad_value = 4 : i32} : (tensor<1x5x6x4xi8>) -> tensor<1x6x8x4xi8>
// CHECK-NEXT:    %scratch = cortex_m.scratch
// CHECK-NEXT:    %1 = cortex_m.quantized_avg_pool2d %0 scratch %scratch {{{.*}}padding = array<i64: 0, 0>, ceil_mode = true
func.func @avg_pool2d_dropped_window(%x: tensor<1x5x6x4x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<1x2x3x4x!quant.uniform<i8:f32, 0.5:4>> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 3, 3>, padding = array<i64: 1, 1, 1, 1>, ceil_mode = true, count_include_pad = true, data_format = "NHWC"} : (tensor<1x5x6x4x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<1x2x3x4x!quant.uniform<i8:f32, 0.5:4>>
  func.return %0 : tensor<1x2x3x4x!quant.uniform<i8:f32, 0.5:4>>
}
