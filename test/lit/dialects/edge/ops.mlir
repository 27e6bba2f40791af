// RUN: ROUNDTRIP

!q = !quant.uniform<i8:f32, 0.1>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.1, 0.2}>
!b = !quant.uniform<i32:f32:0, {0.01, 0.02}>

// CHECK-LABEL: @conv2d
// CHECK-NEXT:    edge.conv2d %x, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
// CHECK-NEXT:    edge.conv2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 1, 0, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64, activation_min = 0.000000e+00 : f32, activation_max = 6.000000e+00 : f32} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x4x4xf32>
func.func @conv2d(%x: tensor<1x4x8x8xf32>, %w: tensor<2x4x3x3xf32>, %b: tensor<2xf32>) {
  %0 = edge.conv2d %x, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  %1 = edge.conv2d %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 0, 1, 0, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64, activation_min = 0.0 : f32, activation_max = 6.0 : f32} : (tensor<1x4x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x4x4xf32>
  func.return
}

// Groups, dilation, and the NHWC form on quantized types.
// CHECK-LABEL: @conv2d_nhwc
// CHECK-NEXT:    edge.conv2d %x, %w, %b {{{.*}}data_format = "NHWC"{{.*}}} : (tensor<1x9x8x4x!quant.uniform<i8:f32, 0.1>>, tensor<2x3x3x2x!quant.uniform<i8<-127:127>:f32:0, {0.1, 0.2}>>, tensor<2x!quant.uniform<i32:f32:0, {0.01, 0.02}>>) -> tensor<1x5x6x2x!quant.uniform<i8:f32, 0.1>>
func.func @conv2d_nhwc(%x: tensor<1x9x8x4x!q>, %w: tensor<2x3x3x2x!w>, %b: tensor<2x!b>) {
  %0 = edge.conv2d %x, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 2, 1>, groups = 2 : i64, data_format = "NHWC"} : (tensor<1x9x8x4x!q>, tensor<2x3x3x2x!w>, tensor<2x!b>) -> tensor<1x5x6x2x!q>
  func.return
}

// Any number of dimensions before the last.
// CHECK-LABEL: @linear
// CHECK-NEXT:    edge.linear %v, %w, %b : (tensor<8xf32>, tensor<2x8xf32>, tensor<2xf32>) -> tensor<2xf32>
// CHECK-NEXT:    edge.linear %x, %w {activation_max = 1.000000e+00 : f32} : (tensor<3x5x8xf32>, tensor<2x8xf32>) -> tensor<3x5x2xf32>
func.func @linear(%v: tensor<8xf32>, %x: tensor<3x5x8xf32>, %w: tensor<2x8xf32>, %b: tensor<2xf32>) {
  %0 = edge.linear %v, %w, %b : (tensor<8xf32>, tensor<2x8xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = edge.linear %x, %w {activation_max = 1.0 : f32} : (tensor<3x5x8xf32>, tensor<2x8xf32>) -> tensor<3x5x2xf32>
  func.return
}

// A partial last window counts with ceil_mode, unless it would begin in the padding.
// CHECK-LABEL: @pool
// CHECK-NEXT:    edge.avg_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 1, 1, 1, 1>, ceil_mode = false, count_include_pad = true} : (tensor<1x4x8x6xf32>) -> tensor<1x4x4x3xf32>
// CHECK-NEXT:    edge.max_pool2d %x {{{.*}}ceil_mode = true} : (tensor<1x4x8x6xf32>) -> tensor<1x4x4x3xf32>
// CHECK-NEXT:    edge.max_pool2d %x {{{.*}}ceil_mode = true} : (tensor<1x4x8x6xf32>) -> tensor<1x4x3x2xf32>
// CHECK-NEXT:    edge.max_pool2d %x {{{.*}}dilation = array<i64: 2, 1>{{.*}}data_format = "NHWC"} : (tensor<1x4x8x6xf32>) -> tensor<1x2x7x6xf32>
func.func @pool(%x: tensor<1x4x8x6xf32>) {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 1, 1, 1, 1>, ceil_mode = false, count_include_pad = true} : (tensor<1x4x8x6xf32>) -> tensor<1x4x4x3xf32>
  %1 = edge.max_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = true} : (tensor<1x4x8x6xf32>) -> tensor<1x4x4x3xf32>
  %2 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 3, 3>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = true} : (tensor<1x4x8x6xf32>) -> tensor<1x4x3x2xf32>
  %3 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 2, 1>, ceil_mode = false, data_format = "NHWC"} : (tensor<1x4x8x6xf32>) -> tensor<1x2x7x6xf32>
  func.return
}

// CHECK-LABEL: @unary
// CHECK-NEXT:    edge.relu %x : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.clamp %x {min = -1.000000e+00 : f64, max = 1.000000e+00 : f64} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.clamp %x {max = 1.000000e+00 : f64} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.hardsigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.hardswish %x : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.silu %x : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.gelu %x {approximate = "none"} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    edge.gelu %x {approximate = "tanh"} : (tensor<4xf32>) -> tensor<4xf32>
func.func @unary(%x: tensor<4xf32>) {
  %0 = edge.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.clamp %x {min = -1.0 : f64, max = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.clamp %x {max = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %3 = edge.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %4 = edge.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
  %5 = edge.hardsigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %6 = edge.hardswish %x : (tensor<4xf32>) -> tensor<4xf32>
  %7 = edge.silu %x : (tensor<4xf32>) -> tensor<4xf32>
  %8 = edge.gelu %x {approximate = "none"} : (tensor<4xf32>) -> tensor<4xf32>
  %9 = edge.gelu %x {approximate = "tanh"} : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// CHECK-LABEL: @binary
// CHECK-NEXT:    edge.add %x, %x {activation_min = 0.000000e+00 : f32} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT:    edge.mul %x, %y : (tensor<2x3xf32>, tensor<4x1x3xf32>) -> tensor<4x2x3xf32>
// CHECK-NEXT:    edge.sub %x, %y {activation_max = 1.000000e+00 : f32} : (tensor<2x3xf32>, tensor<4x1x3xf32>) -> tensor<4x2x3xf32>
// CHECK-NEXT:    edge.div %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT:    edge.minimum %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT:    edge.maximum %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT:    edge.floor_divide %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT:    edge.trunc_divide %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT:    edge.remainder %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT:    edge.fmod %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @binary(%x: tensor<2x3xf32>, %y: tensor<4x1x3xf32>) {
  %0 = edge.add %x, %x {activation_min = 0.0 : f32} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = edge.mul %x, %y : (tensor<2x3xf32>, tensor<4x1x3xf32>) -> tensor<4x2x3xf32>
  %2 = edge.sub %x, %y {activation_max = 1.0 : f32} : (tensor<2x3xf32>, tensor<4x1x3xf32>) -> tensor<4x2x3xf32>
  %3 = edge.div %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = edge.minimum %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %5 = edge.maximum %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %6 = edge.floor_divide %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %7 = edge.trunc_divide %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %8 = edge.remainder %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %9 = edge.fmod %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// A quantized axis moves with its dimension. A reshape may change the dimensions around it.
// CHECK-LABEL: @movement
// CHECK-NEXT:    edge.reshape %x : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
// CHECK-NEXT:    edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
// CHECK-NEXT:    edge.permute %q {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4x!quant.uniform<i8<-127:127>:f32:0, {0.1, 0.2}>>) -> tensor<4x2x3x!quant.uniform<i8<-127:127>:f32:1, {0.1, 0.2}>>
// CHECK-NEXT:    edge.reshape %q : (tensor<2x3x4x!quant.uniform<i8<-127:127>:f32:0, {0.1, 0.2}>>) -> tensor<1x2x12x!quant.uniform<i8<-127:127>:f32:1, {0.1, 0.2}>>
func.func @movement(%x: tensor<2x3x4xf32>, %q: tensor<2x3x4x!w>) {
  %0 = edge.reshape %x : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  %1 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %2 = edge.permute %q {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4x!w>) -> tensor<4x2x3x!quant.uniform<i8<-127:127>:f32:1, {0.1, 0.2}>>
  %3 = edge.reshape %q : (tensor<2x3x4x!w>) -> tensor<1x2x12x!quant.uniform<i8<-127:127>:f32:1, {0.1, 0.2}>>
  func.return
}

// CHECK-LABEL: @to_dim_order
// CHECK-SAME:    (%x: tensor<1x3x8x8xf32, #edge.dim_order<[0, 2, 3, 1]>>)
// CHECK-NEXT:    edge.to_dim_order %x : (tensor<1x3x8x8xf32, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x3x8x8xf32>
func.func @to_dim_order(%x: tensor<1x3x8x8xf32, #edge.dim_order<[0, 2, 3, 1]>>) {
  %0 = edge.to_dim_order %x : (tensor<1x3x8x8xf32, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x3x8x8xf32>
  func.return
}

// Arguments refer to operands by number, also inside lists.
// CHECK-LABEL: @call
// CHECK-NEXT:    edge.call "aten.cat.default"(%x, %y) {arguments = {{\[\[}}#edge.operand<0>, #edge.operand<1>], 0 : i64]} : (tensor<4xf32>, tensor<2xf32>) -> tensor<6xf32>
// CHECK-NEXT:    edge.call "aten.max.dim"(%x) {arguments = [#edge.operand<0>, 0 : i64, false], reason = "no kernel"} : (tensor<4xf32>) -> (tensor<f32>, tensor<i64>)
// CHECK-NEXT:    edge.call "aten.ones.default"() {arguments = {{\[\[}}4 : i64], none]} : () -> tensor<4xf32>
func.func @call(%x: tensor<4xf32>, %y: tensor<2xf32>) {
  %0 = edge.call "aten.cat.default"(%x, %y) {arguments = [[#edge.operand<0>, #edge.operand<1>], 0]} : (tensor<4xf32>, tensor<2xf32>) -> tensor<6xf32>
  %1, %2 = edge.call "aten.max.dim"(%x) {arguments = [#edge.operand<0>, 0, false], reason = "no kernel"} : (tensor<4xf32>) -> (tensor<f32>, tensor<i64>)
  %3 = edge.call "aten.ones.default"() {arguments = [[4], none]} : () -> tensor<4xf32>
  func.return
}
