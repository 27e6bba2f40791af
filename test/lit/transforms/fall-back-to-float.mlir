// RUN: cm-opt %s --pass-pipeline='builtin.module(fall-back-to-float)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!q16 = !quant.uniform<i16:f32, 0.1>

// An op with a kernel stays.
// CHECK-LABEL: @supported
// CHECK-NOT:     quant.dcast
// CHECK:         func.return
func.func @supported(%x: tensor<1x4x6x2x!q>) -> tensor<1x8x3x2x!q> {
  %0 = edge.sigmoid %x : (tensor<1x4x6x2x!q>) -> tensor<1x4x6x2x!q>
  %1 = edge.add %0, %x : (tensor<1x4x6x2x!q>, tensor<1x4x6x2x!q>) -> tensor<1x4x6x2x!q>
  %2 = edge.reshape %1 : (tensor<1x4x6x2x!q>) -> tensor<1x6x4x2x!q>
  %3 = edge.permute %2 {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x6x4x2x!q>) -> tensor<1x4x6x2x!q>
  %4 = edge.max_pool2d %3 {kernel_size = array<i64: 1, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x4x6x2x!q>) -> tensor<1x4x6x2x!q>
  %w = arith.constant dense<1> : tensor<8x4x4x1xi8>
  %s = quant.scast %w : tensor<8x4x4x1xi8> to tensor<8x4x4x1x!q>
  %5 = edge.conv2d %4, %s {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x6x2x!q>, tensor<8x4x4x1x!q>) -> tensor<1x8x3x2x!q>
  func.return %5 : tensor<1x8x3x2x!q>
}

// The op's definition: dequantize, compute in float32, quantize. It keeps its properties.
// CHECK-LABEL: @properties
// CHECK-NEXT:    %0 = quant.dcast %x : tensor<4x4x!quant.uniform<i8:f32, 0.1>> to tensor<4x4xf32>
// CHECK-NEXT:    %1 = quant.dcast %y : tensor<4x!quant.uniform<i16:f32, 0.1>> to tensor<4xf32>
// CHECK-NEXT:    %2 = edge.add %0, %1 {edge.reason = "int16 needs {{.*}}", activation_min = 0.000000e+00 : f32} : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:    %3 = quant.qcast %2 : tensor<4x4xf32> to tensor<4x4x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    func.return %3
func.func @properties(%x: tensor<4x4x!q>, %y: tensor<4x!q16>) -> tensor<4x4x!q> {
  %0 = edge.add %x, %y {activation_min = 0.0 : f32} : (tensor<4x4x!q>, tensor<4x!q16>) -> tensor<4x4x!q>
  func.return %0 : tensor<4x4x!q>
}

// CHECK-LABEL: @element_types
// CHECK:         edge.relu {{.*}}edge.reason = "int16 needs {{.*}}"
// CHECK:         edge.mul {{.*}}edge.reason = "int16 needs {{.*}}"
func.func @element_types(%x: tensor<4x!q16>, %y: tensor<4x!q>) -> (tensor<4x!q16>, tensor<4x!q>) {
  %0 = edge.relu %x : (tensor<4x!q16>) -> tensor<4x!q16>
  %1 = edge.mul %x, %y : (tensor<4x!q16>, tensor<4x!q>) -> tensor<4x!q>
  func.return %0, %1 : tensor<4x!q16>, tensor<4x!q>
}

// CHECK-LABEL: @pools
// CHECK:         edge.avg_pool2d {{.*}}edge.reason = "a window is longer than its padded input; run canonicalize before"
// CHECK:         edge.avg_pool2d {{.*}}edge.reason = "the average pool kernel pads symmetrically"
// CHECK:         edge.max_pool2d %x
// CHECK:         edge.max_pool2d {{.*}}edge.reason = "a dilated window lies wholly in the padding"
func.func @pools(%x: tensor<1x1x4x5x!q>) -> (tensor<1x1x1x3x!q>, tensor<1x1x2x2x!q>, tensor<1x1x2x3x!q>, tensor<1x1x2x3x!q>) {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 5, 1>, stride = array<i64: 3, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = true, count_include_pad = false} : (tensor<1x1x4x5x!q>) -> tensor<1x1x1x3x!q>
  %1 = edge.avg_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 2, 2>, padding = array<i64: 0, 1, 0, 0>, ceil_mode = false, count_include_pad = false} : (tensor<1x1x4x5x!q>) -> tensor<1x1x2x2x!q>
  %2 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = true} : (tensor<1x1x4x5x!q>) -> tensor<1x1x2x3x!q>
  %3 = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 2, 2>, ceil_mode = false} : (tensor<1x1x4x5x!q>) -> tensor<1x1x2x3x!q>
  func.return %0, %1, %2, %3 : tensor<1x1x1x3x!q>, tensor<1x1x2x2x!q>, tensor<1x1x2x3x!q>, tensor<1x1x2x3x!q>
}

// CHECK-LABEL: @weights
// CHECK:         edge.linear {{.*}}edge.reason = "the weight is not a constant"
// CHECK:         edge.linear {{.*}}edge.reason = "takes symmetric int8 weights (zero point 0)"
// CHECK:         edge.linear {{.*}}edge.reason = "int16 needs {{.*}}"
// CHECK:         edge.linear {{.*}}edge.reason = "weights must be quantized per output channel"
// CHECK:         edge.linear {{.*}}edge.reason = "the bias is not a constant"
func.func @weights(%x: tensor<1x2x!q>, %v: tensor<1x2x!q>, %b: tensor<1x!quant.uniform<i32:f32, 0.01>>) -> (tensor<1x1x!q>, tensor<1x1x!q>, tensor<1x1x!q>, tensor<1x1x!q>, tensor<1x1x!q>) {
  %c = arith.constant dense<1> : tensor<1x2xi8>
  %d = arith.constant dense<1> : tensor<1x2xi16>
  %s = quant.scast %c : tensor<1x2xi8> to tensor<1x2x!quant.uniform<i8:f32, 0.1:4>>
  %t = quant.scast %d : tensor<1x2xi16> to tensor<1x2x!q16>
  %u = quant.scast %c : tensor<1x2xi8> to tensor<1x2x!quant.uniform<i8:f32:1, {0.1, 0.2}>>
  %w = quant.scast %c : tensor<1x2xi8> to tensor<1x2x!q>
  %0 = edge.linear %x, %v : (tensor<1x2x!q>, tensor<1x2x!q>) -> tensor<1x1x!q>
  %1 = edge.linear %x, %s : (tensor<1x2x!q>, tensor<1x2x!quant.uniform<i8:f32, 0.1:4>>) -> tensor<1x1x!q>
  %2 = edge.linear %x, %t : (tensor<1x2x!q>, tensor<1x2x!q16>) -> tensor<1x1x!q>
  %3 = edge.linear %x, %u : (tensor<1x2x!q>, tensor<1x2x!quant.uniform<i8:f32:1, {0.1, 0.2}>>) -> tensor<1x1x!q>
  %4 = edge.linear %x, %w, %b : (tensor<1x2x!q>, tensor<1x2x!q>, tensor<1x!quant.uniform<i32:f32, 0.01>>) -> tensor<1x1x!q>
  func.return %0, %1, %2, %3, %4 : tensor<1x1x!q>, tensor<1x1x!q>, tensor<1x1x!q>, tensor<1x1x!q>, tensor<1x1x!q>
}

// Kernels count positions in 16 bits.
// CHECK-LABEL: @long_axis
// CHECK:         edge.conv2d {{.*}}edge.reason = "an axis, a filter or the channels are longer than the kernels can count"
func.func @long_axis(%x: tensor<1x4x1x70000x!q>) -> tensor<1x2x1x69998x!q> {
  %c = arith.constant dense<1> : tensor<2x4x1x3xi8>
  %w = quant.scast %c : tensor<2x4x1x3xi8> to tensor<2x4x1x3x!q>
  %y = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x1x70000x!q>, tensor<2x4x1x3x!q>) -> tensor<1x2x1x69998x!q>
  func.return %y : tensor<1x2x1x69998x!q>
}

// Of a map, the ops of its body are computed for the whole tensor.
// CHECK-LABEL: @map
// CHECK-NEXT:    %0 = quant.dcast %x : tensor<4x4x!quant.uniform<i16:f32, 0.1>> to tensor<4x4xf32>
// CHECK-NEXT:    %1 = edge.tanh %0 {edge.reason = "int16 needs {{.*}}"} : (tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:    %two = arith.constant dense<2.000000e+00> : tensor<f32>
// CHECK-NEXT:    %2 = edge.mul %1, %two {edge.reason = "int16 needs {{.*}}"} : (tensor<4x4xf32>, tensor<f32>) -> tensor<4x4xf32>
// CHECK-NEXT:    %3 = quant.qcast %2 : tensor<4x4xf32> to tensor<4x4x!quant.uniform<i16:f32, 0.1>>
func.func @map(%x: tensor<4x4x!q16>) -> tensor<4x4x!q16> {
  %0 = edge.map %x {
  ^bb0(%n: tensor<f32>):
    %1 = edge.tanh %n : (tensor<f32>) -> tensor<f32>
    %two = arith.constant dense<2.0> : tensor<f32>
    %2 = edge.mul %1, %two : (tensor<f32>, tensor<f32>) -> tensor<f32>
    edge.yield %2 : tensor<f32>
  } : (tensor<4x4x!q16>) -> tensor<4x4x!q16>
  func.return %0 : tensor<4x4x!q16>
}

// One that yields a constant is that constant, repeated.
// CHECK-LABEL: @constant_map
// CHECK:         %two = arith.constant dense<2.000000e+00> : tensor<f32>
// CHECK-NEXT:    %0 = edge.expand %two {{.*}}-> tensor<4x4xf32>
// CHECK-NEXT:    quant.qcast %0
func.func @constant_map(%x: tensor<4x4x!q16>) -> tensor<4x4x!q16> {
  %0 = edge.map %x {
  ^bb0(%n: tensor<f32>):
    %two = arith.constant dense<2.0> : tensor<f32>
    edge.yield %two : tensor<f32>
  } : (tensor<4x4x!q16>) -> tensor<4x4x!q16>
  func.return %0 : tensor<4x4x!q16>
}
