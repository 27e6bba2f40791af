// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-to-nhwc)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!w = !quant.uniform<i8:f32:0, {0.1, 0.2}>
!b = !quant.uniform<i32:f32:0, {0.01, 0.02}>

// Input and weight are permuted; the bias and all properties stay.
// CHECK-LABEL: @conv2d
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x4x5x6x!quant.uniform<i8:f32, 0.1>>) -> tensor<1x5x6x4x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %w_1 = edge.permute %w {perm = array<i64: 0, 2, 3, 1>} : (tensor<2x4x3x1x!quant.uniform<i8:f32:0, {0.1, 0.2}>>) -> tensor<2x3x1x4x!quant.uniform<i8:f32:0, {0.1, 0.2}>>
// CHECK-NEXT:    %1 = edge.conv2d %0, %w_1, %b {stride = array<i64: 2, 1>, padding = array<i64: 1, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, activation_min = 0.000000e+00 : f32, data_format = "NHWC"} : {{.*}} -> tensor<1x2x6x2x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %2 = edge.permute %1 {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x2x6x2x!quant.uniform<i8:f32, 0.1>>) -> tensor<1x2x2x6x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    func.return %2
func.func @conv2d(%x: tensor<1x4x5x6x!q>, %w: tensor<2x4x3x1x!w>, %b: tensor<2x!b>) -> tensor<1x2x2x6x!q> {
  %0 = edge.conv2d %x, %w, %b {stride = array<i64: 2, 1>, padding = array<i64: 1, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, activation_min = 0.0 : f32} : (tensor<1x4x5x6x!q>, tensor<2x4x3x1x!w>, tensor<2x!b>) -> tensor<1x2x2x6x!q>
  func.return %0 : tensor<1x2x2x6x!q>
}

// The weight [C,O,KH,KW] becomes [O,KH,KW,C].
// CHECK-LABEL: @transposed
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 0, 2, 3, 1>}
// CHECK-NEXT:    %w_1 = edge.permute %w {perm = array<i64: 1, 2, 3, 0>} : (tensor<4x2x3x1x!quant.uniform<i8:f32:1, {0.1, 0.2}>>) -> tensor<2x3x1x4x!quant.uniform<i8:f32:0, {0.1, 0.2}>>
// CHECK-NEXT:    %1 = edge.conv_transpose2d %0, %w_1 {{{.*}}data_format = "NHWC"{{.*}}} : {{.*}} -> tensor<1x7x6x2x
// CHECK-NEXT:    edge.permute %1 {perm = array<i64: 0, 3, 1, 2>}
func.func @transposed(%x: tensor<1x4x3x6x!q>, %w: tensor<4x2x3x1x!quant.uniform<i8:f32:1, {0.1, 0.2}>>) -> tensor<1x2x7x6x!q> {
  %0 = edge.conv_transpose2d %x, %w {stride = array<i64: 2, 1>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x3x6x!q>, tensor<4x2x3x1x!quant.uniform<i8:f32:1, {0.1, 0.2}>>) -> tensor<1x2x7x6x!q>
  func.return %0 : tensor<1x2x7x6x!q>
}

// CHECK-LABEL: @pools
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 0, 2, 3, 1>}
// CHECK-NEXT:    %1 = edge.max_pool2d %0 {{{.*}}data_format = "NHWC"{{.*}}} : (tensor<1x4x6x2x!quant.uniform<i8:f32, 0.1>>) -> tensor<1x2x3x2x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %2 = edge.permute %1 {perm = array<i64: 0, 3, 1, 2>}
// CHECK-NEXT:    %3 = edge.permute %2 {perm = array<i64: 0, 2, 3, 1>}
// CHECK-NEXT:    %4 = edge.avg_pool2d %3 {{{.*}}data_format = "NHWC"{{.*}}} : (tensor<1x2x3x2x!quant.uniform<i8:f32, 0.1>>) -> tensor<1x1x3x2x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %5 = edge.permute %4 {perm = array<i64: 0, 3, 1, 2>}
// CHECK-NEXT:    func.return %5
func.func @pools(%x: tensor<1x2x4x6x!q>) -> tensor<1x2x1x3x!q> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false, data_format = "NCHW"} : (tensor<1x2x4x6x!q>) -> tensor<1x2x2x3x!q>
  %1 = edge.avg_pool2d %0 {kernel_size = array<i64: 2, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x3x!q>) -> tensor<1x2x1x3x!q>
  func.return %1 : tensor<1x2x1x3x!q>
}

// Float ops become portable kernels, which take PyTorch's layout.
// CHECK-LABEL: @float
// CHECK-NOT:     edge.permute
// CHECK:         edge.avg_pool2d %x {{.*}} : (tensor<1x2x4x6xf32>) -> tensor<1x2x3x6xf32>
// CHECK-NOT:     edge.permute
func.func @float(%x: tensor<1x2x4x6xf32>) -> tensor<1x2x3x6xf32> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 2, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x4x6xf32>) -> tensor<1x2x3x6xf32>
  func.return %0 : tensor<1x2x3x6xf32>
}

// CHECK-LABEL: @nhwc_already
// CHECK-NOT:     edge.permute
// CHECK:         func.return
func.func @nhwc_already(%x: tensor<1x4x6x2x!q>) -> tensor<1x3x6x2x!q> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 2, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x4x6x2x!q>) -> tensor<1x3x6x2x!q>
  func.return %0 : tensor<1x3x6x2x!q>
}
