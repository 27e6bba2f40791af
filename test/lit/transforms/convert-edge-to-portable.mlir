// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-portable)' --split-input-file | filecheck %s

// CHECK-LABEL: @unary
// CHECK-NEXT:    edge.call "aten.relu.default"(%x) {arguments = [#edge.operand<0>], reason = "the quantizer left it in float"} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.call "aten.sigmoid.default"
// CHECK-NEXT:    edge.call "aten.tanh.default"
// CHECK-NEXT:    edge.call "aten.gelu.default"(%{{.*}}) {arguments = [#edge.operand<0>, "tanh"],
// CHECK-NEXT:    edge.call "aten.clamp.default"(%{{.*}}) {arguments = [#edge.operand<0>, none, 6.000000e+00 : f64],
// CHECK-NEXT:    func.return
func.func @unary(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.sigmoid %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.tanh %1 : (tensor<4xf32>) -> tensor<4xf32>
  %3 = edge.gelu %2 {approximate = "tanh"} : (tensor<4xf32>) -> tensor<4xf32>
  %4 = edge.clamp %3 {max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  func.return %4 : tensor<4xf32>
}

// -----

// Functions without a portable kernel are composed of those that have one.
// CHECK-LABEL: @composite
// CHECK-NEXT:    %0 = edge.call "aten.sigmoid.default"(%x)
// CHECK-NEXT:    %1 = edge.call "aten.mul.Tensor"(%x, %0) {arguments = [#edge.operand<0>, #edge.operand<1>],
// CHECK-NEXT:    %2 = edge.call "aten.add.Scalar"(%1) {arguments = [#edge.operand<0>, 3.000000e+00 : f64, 1 : i64],
// CHECK-NEXT:    %3 = edge.call "aten.clamp.default"(%2) {arguments = [#edge.operand<0>, 0.000000e+00 : f64, 6.000000e+00 : f64],
// CHECK-NEXT:    %4 = edge.call "aten.div.Scalar"(%3) {arguments = [#edge.operand<0>, 6.000000e+00 : f64],
// CHECK-NEXT:    %5 = edge.call "aten.add.Scalar"(%4)
// CHECK-NEXT:    %6 = edge.call "aten.clamp.default"(%5)
// CHECK-NEXT:    %7 = edge.call "aten.mul.Tensor"(%4, %6)
// CHECK-NEXT:    %8 = edge.call "aten.div.Scalar"(%7)
// CHECK-NEXT:    func.return %8
func.func @composite(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.silu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.hardsigmoid %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.hardswish %1 : (tensor<4xf32>) -> tensor<4xf32>
  func.return %2 : tensor<4xf32>
}

// -----

// The reason why a quantized op fell back is kept. A fused clamp becomes a separate call.
// CHECK-LABEL: @reason
// CHECK-NEXT:    %0 = edge.call "aten.add.Tensor"(%x, %y) {arguments = [#edge.operand<0>, #edge.operand<1>, 1 : i64], reason = "it broadcasts"} : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:    %1 = edge.call "aten.clamp.default"(%0) {arguments = [#edge.operand<0>, 0.000000e+00 : f64, none], reason = "it broadcasts"}
// CHECK-NEXT:    func.return %1
func.func @reason(%x: tensor<4x4xf32>, %y: tensor<4xf32>) -> tensor<4x4xf32> {
  %0 = edge.add %x, %y {edge.reason = "it broadcasts", activation_min = 0.0 : f32} : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  func.return %0 : tensor<4x4xf32>
}

// -----

// CHECK-LABEL: @windows
// CHECK-NEXT:    %0 = edge.call "aten.convolution.default"(%x, %w, %b) {arguments = [#edge.operand<0>, #edge.operand<1>, #edge.operand<2>, [2 : i64, 1 : i64], [1 : i64, 0 : i64], [1 : i64, 1 : i64], false, [0 : i64, 0 : i64], 1 : i64],
// CHECK-NEXT:    %1 = edge.call "aten.convolution.default"(%0, %w) {arguments = [#edge.operand<0>, #edge.operand<1>, none,
// CHECK-NEXT:    %2 = edge.call "aten.avg_pool2d.default"(%1) {arguments = [#edge.operand<0>, [1 : i64, 2 : i64], [1 : i64, 1 : i64], [0 : i64, 1 : i64], false, true, none],
// CHECK-NEXT:    %3, %4 = edge.call "aten.max_pool2d_with_indices.default"(%2) {arguments = [#edge.operand<0>, [1 : i64, 2 : i64], [1 : i64, 2 : i64], [0 : i64, 0 : i64], [1 : i64, 1 : i64], true], {{.*}} : (tensor<1x2x1x3xf32>) -> (tensor<1x2x1x2xf32>, tensor<1x2x1x2xi64>)
// CHECK-NEXT:    func.return %3
func.func @windows(%x: tensor<1x2x3x4xf32>, %w: tensor<2x2x3x2xf32>, %b: tensor<2xf32>) -> tensor<1x2x1x2xf32> {
  %0 = edge.conv2d %x, %w, %b {stride = array<i64: 2, 1>, padding = array<i64: 1, 1, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x4xf32>, tensor<2x2x3x2xf32>, tensor<2xf32>) -> tensor<1x2x2x3xf32>
  %1 = edge.conv2d %0, %w {stride = array<i64: 2, 1>, padding = array<i64: 1, 1, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x2x3xf32>, tensor<2x2x3x2xf32>) -> tensor<1x2x1x2xf32>
  %2 = edge.avg_pool2d %1 {kernel_size = array<i64: 1, 2>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x1x2xf32>) -> tensor<1x2x1x3xf32>
  %3 = edge.max_pool2d %2 {kernel_size = array<i64: 1, 2>, stride = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = true} : (tensor<1x2x1x3xf32>) -> tensor<1x2x1x2xf32>
  func.return %3 : tensor<1x2x1x2xf32>
}

// -----

// There is no portable linear: rows times the transposed weight, which is transposed at compile time.
// CHECK-LABEL: @linear
// CHECK-NEXT:    %w = arith.constant dense<{{\[\[}}1.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]> : tensor<3x2xf32>
// CHECK-NEXT:    %0 = edge.reshape %x : (tensor<5x7x3xf32>) -> tensor<35x3xf32>
// CHECK-NEXT:    %1 = edge.call "aten.addmm.default"(%b, %0, %w) {arguments = [#edge.operand<0>, #edge.operand<1>, #edge.operand<2>, 1 : i64, 1 : i64], {{.*}} -> tensor<35x2xf32>
// CHECK-NEXT:    %2 = edge.reshape %1 : (tensor<35x2xf32>) -> tensor<5x7x2xf32>
// CHECK-NEXT:    func.return %2
func.func @linear(%x: tensor<5x7x3xf32>, %b: tensor<2xf32>) -> tensor<5x7x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %0 = edge.linear %x, %w, %b : (tensor<5x7x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<5x7x2xf32>
  func.return %0 : tensor<5x7x2xf32>
}

// -----

// CHECK-LABEL: @linear_of_argument
// CHECK-NEXT:    %0 = edge.call "aten.permute_copy.default"(%w) {arguments = [#edge.operand<0>, [1 : i64, 0 : i64]], {{.*}} : (tensor<2x3xf32>) -> tensor<3x2xf32>
// CHECK-NEXT:    %1 = edge.call "aten.mm.default"(%x, %0) {{.*}} : (tensor<5x3xf32>, tensor<3x2xf32>) -> tensor<5x2xf32>
// CHECK-NEXT:    func.return %1
func.func @linear_of_argument(%x: tensor<5x3xf32>, %w: tensor<2x3xf32>) -> tensor<5x2xf32> {
  %0 = edge.linear %x, %w : (tensor<5x3xf32>, tensor<2x3xf32>) -> tensor<5x2xf32>
  func.return %0 : tensor<5x2xf32>
}

// -----

// A call has its reason, and copies where PyTorch would alias.
// CHECK-LABEL: @calls
// CHECK-NEXT:    %0 = edge.call "aten.exp.default"(%x) {arguments = [#edge.operand<0>], reason = "there is no integer kernel for exp"}
// CHECK-NEXT:    %1 = edge.call "aten.neg.default"(%0) {arguments = [#edge.operand<0>], reason = "known"}
// CHECK-NEXT:    %2 = edge.call "aten.slice_copy.Tensor"(%1)
// CHECK-NEXT:    %3 = edge.call "aten.permute_copy.default"(%2) {arguments = [#edge.operand<0>, [1 : i64, 0 : i64]],
// CHECK-NEXT:    func.return %3
func.func @calls(%x: tensor<4x2xf32>) -> tensor<2x3xf32> {
  %0 = edge.call "aten.exp.default"(%x) {arguments = [#edge.operand<0>]} : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %1 = edge.call "aten.neg.default"(%0) {arguments = [#edge.operand<0>], reason = "known"} : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %2 = edge.call "aten.slice.Tensor"(%1) {arguments = [#edge.operand<0>, 0, 1, 4, 1]} : (tensor<4x2xf32>) -> tensor<3x2xf32>
  %3 = edge.permute %2 {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  func.return %3 : tensor<2x3xf32>
}

// -----

// Constants that no kernel dequantizes are stored in float.
// CHECK-LABEL: @constants
// CHECK-NEXT:    %0 = arith.constant dense<{{\[\[}}5.000000e-01, 1.000000e+00], [7.500000e-01, 1.000000e+00]]> : tensor<2x2xf32>
// CHECK-NEXT:    func.return %0
func.func @constants() -> tensor<2x2xf32> {
  %c = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %0 = quant.scast %c : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %1 = quant.dcast %0 : tensor<2x2x!quant.uniform<i8:f32:0, {0.5, 0.25}>> to tensor<2x2xf32>
  func.return %1 : tensor<2x2xf32>
}

// -----

// Quantized ops stay.
// CHECK-LABEL: @quantized
// CHECK-NEXT:    edge.relu
func.func @quantized(%x: tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>> {
  %0 = edge.relu %x : (tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>>
  func.return %0 : tensor<4x!quant.uniform<i8:f32, 0.5>>
}

// The kernel of convolutions takes NHWC as channels last. Only the weight has PyTorch's order.
// CHECK-LABEL: @nhwc
// CHECK-NEXT:    arith.constant dense<{{.*}}1.000000e+00]], {{.*}}2.000000e+00]], {{.*}}3.000000e+00]]]]> : tensor<1x3x1x1xf32>
// CHECK-NEXT:    edge.call "aten.convolution.default"{{.*}} data_format = "NHWC"{{.*}} : (tensor<1x4x5x3xf32>, tensor<1x3x1x1xf32>) -> tensor<1x4x5x1xf32>
// CHECK-NEXT:    func.return
func.func @nhwc(%x: tensor<1x4x5x3xf32>) -> tensor<1x4x5x1xf32> {
  %w = arith.constant dense<[[[[1.0, 2.0, 3.0]]]]> : tensor<1x1x1x3xf32>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x4x5x3xf32>, tensor<1x1x1x3xf32>) -> tensor<1x4x5x1xf32>
  func.return %0 : tensor<1x4x5x1xf32>
}

// Padding that differs at the ends is of the height and the width, not of the channels.
// CHECK-LABEL: @nhwc_padded
// CHECK:         edge.call "aten.constant_pad_nd.default"(%x) {arguments = [#edge.operand<0>, [0 : i64, 0 : i64, 0 : i64, 3 : i64, 1 : i64, 0 : i64], {{.*}} : f64]{{.*}} -> tensor<1x5x8x3xf32>
// CHECK-NEXT:    edge.call "aten.max_pool2d_with_indices.default"{{.*}} data_format = "NHWC"
func.func @nhwc_padded(%x: tensor<1x4x5x3xf32>) -> tensor<1x4x7x3xf32> {
  %0 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 1, 0, 0, 3>, dilation = array<i64: 1, 1>, ceil_mode = false, data_format = "NHWC"} : (tensor<1x4x5x3xf32>) -> tensor<1x4x7x3xf32>
  func.return %0 : tensor<1x4x7x3xf32>
}

// The kernel of average pools takes NCHW only.
// CHECK-LABEL: @nhwc_average
// CHECK-NEXT:    edge.call "aten.permute_copy.default"
// CHECK-NEXT:    edge.call "aten.avg_pool2d.default"
// CHECK-NEXT:    edge.call "aten.permute_copy.default"
func.func @nhwc_average(%x: tensor<1x4x5x3xf32>) -> tensor<1x3x4x3xf32> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x4x5x3xf32>) -> tensor<1x3x4x3xf32>
  func.return %0 : tensor<1x3x4x3xf32>
}

// -----

// A call that computes no element is left out, because some kernels end the process.

// CHECK-LABEL: func.func @nothing_to_compute
// CHECK-NEXT:    %y = arith.constant dense<> : tensor<0x1xf32>
// CHECK-NEXT:    func.return %y : tensor<0x1xf32>
func.func @nothing_to_compute(%x: tensor<0x4xf32>) -> tensor<0x1xf32> {
  %y = edge.call "aten.amin.default"(%x) {arguments = [#edge.operand<0>, [1], true]} : (tensor<0x4xf32>) -> tensor<0x1xf32>
  func.return %y : tensor<0x1xf32>
}
