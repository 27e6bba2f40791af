// RUN: cm-opt %s -p canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-128>

// Two takes along one dimension become one; a take of consecutive indices, a slice.
// CHECK-LABEL: func.func @takes
// CHECK-NEXT:    edge.slice %x {dim = 0 : i64, start = 1 : i64}
// CHECK-NEXT:    edge.take %0 {dim = 1 : i64, indices = array<i64: 2, 2>}
func.func @takes(%x: tensor<4x3xf32>) -> tensor<2x2xf32> {
  %0 = edge.take %x {dim = 0 : i64, indices = array<i64: 3, 2, 1, 0>} : (tensor<4x3xf32>) -> tensor<4x3xf32>
  %1 = edge.take %0 {dim = 0 : i64, indices = array<i64: 2, 1>} : (tensor<4x3xf32>) -> tensor<2x3xf32>
  %2 = edge.take %1 {dim = 1 : i64, indices = array<i64: 2, 2>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  func.return %2 : tensor<2x2xf32>
}

// Two flips, and a pad that adds nothing, are dropped.
// CHECK-LABEL: func.func @nothing
// CHECK-NEXT:    func.return %x
func.func @nothing(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = edge.take %x {dim = 0 : i64, indices = array<i64: 1, 0>} : (tensor<2xf32>) -> tensor<2xf32>
  %1 = edge.take %0 {dim = 0 : i64, indices = array<i64: 1, 0>} : (tensor<2xf32>) -> tensor<2xf32>
  %2 = edge.pad %1 {low = array<i64: 0>, high = array<i64: 0>, value = 0.0 : f32} : (tensor<2xf32>) -> tensor<2xf32>
  func.return %2 : tensor<2xf32>
}

// Two pads become one if they add the same number.
// CHECK-LABEL: func.func @pads
// CHECK-NEXT:    edge.pad %x {low = array<i64: 1, 1>, high = array<i64: 2, 0>, value = 0.000000e+00 : f32}
// CHECK-NEXT:    edge.pad {{.*}} value = 1.000000e+00
func.func @pads(%x: tensor<2x2xf32>) -> tensor<6x3xf32> {
  %0 = edge.pad %x {low = array<i64: 1, 0>, high = array<i64: 0, 0>, value = 0.0 : f32} : (tensor<2x2xf32>) -> tensor<3x2xf32>
  %1 = edge.pad %0 {low = array<i64: 0, 1>, high = array<i64: 2, 0>, value = 0.0 : f32} : (tensor<3x2xf32>) -> tensor<5x3xf32>
  %2 = edge.pad %1 {low = array<i64: 1, 0>, high = array<i64: 0, 0>, value = 1.0 : f32} : (tensor<5x3xf32>) -> tensor<6x3xf32>
  func.return %2 : tensor<6x3xf32>
}

// A constant is padded and taken at compile time; the added value is quantized.
// CHECK-LABEL: func.func @constant
// CHECK-NEXT:    arith.constant dense<[-126, 7, 5]> : tensor<3xi8>
func.func @constant() -> tensor<3x!q> {
  %c = arith.constant dense<[5, 7]> : tensor<2xi8>
  %0 = quant.scast %c : tensor<2xi8> to tensor<2x!q>
  %1 = edge.take %0 {dim = 0 : i64, indices = array<i64: 1, 0>} : (tensor<2x!q>) -> tensor<2x!q>
  %2 = edge.pad %1 {low = array<i64: 1>, high = array<i64: 0>, value = 1.0 : f32} : (tensor<2x!q>) -> tensor<3x!q>
  func.return %2 : tensor<3x!q>
}

// Integers are padded instead of floats if the type holds the number.
// CHECK-LABEL: func.func @dequantized
// CHECK-NEXT:    %[[P:.*]] = edge.pad %x {{.*}} value = 5.000000e-01
// CHECK-NEXT:    %[[D:.*]] = quant.dcast %[[P]]
// CHECK-NEXT:    edge.pad %[[D]] {{.*}} value = -5.000000e-01
func.func @dequantized(%x: tensor<2x!q>) -> tensor<4xf32> {
  %0 = quant.dcast %x : tensor<2x!q> to tensor<2xf32>
  %1 = edge.pad %0 {low = array<i64: 1>, high = array<i64: 0>, value = 0.5 : f32} : (tensor<2xf32>) -> tensor<3xf32>
  %2 = edge.pad %1 {low = array<i64: 1>, high = array<i64: 0>, value = -0.5 : f32} : (tensor<3xf32>) -> tensor<4xf32>
  func.return %2 : tensor<4xf32>
}

// The pad of a signal becomes the convolution's, through the reshape to an image of width 1.
// CHECK-LABEL: func.func @convolution
// CHECK-NEXT:    %[[R:.*]] = edge.reshape %x
// CHECK-NEXT:    edge.conv2d %[[R]], %w {{.*}}padding = array<i64: 2, 1, 0, 0>
func.func @convolution(%x: tensor<1x2x8x!q>, %w: tensor<3x2x3x1x!q>) -> tensor<1x3x9x1x!q> {
  %0 = edge.pad %x {low = array<i64: 0, 0, 2>, high = array<i64: 0, 0, 0>, value = 0.0 : f32} : (tensor<1x2x8x!q>) -> tensor<1x2x10x!q>
  %1 = edge.reshape %0 : (tensor<1x2x10x!q>) -> tensor<1x2x10x1x!q>
  %2 = edge.conv2d %1, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 1, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x10x1x!q>, tensor<3x2x3x1x!q>) -> tensor<1x3x9x1x!q>
  func.return %2 : tensor<1x3x9x1x!q>
}

// Not if a window would lie in the padding, if channels are padded, or with another number.
// CHECK-LABEL: func.func @own_pads
// CHECK-COUNT-3: edge.pad
// CHECK-NOT:     edge.pad
func.func @own_pads(%x: tensor<1x2x2x2x!q>, %w: tensor<3x2x2x2x!q>, %v: tensor<3x4x2x2x!q>) -> (tensor<1x3x3x1x!q>, tensor<1x3x1x1x!q>, tensor<1x3x2x1x!q>) {
  %0 = edge.pad %x {low = array<i64: 0, 0, 2, 0>, high = array<i64: 0, 0, 0, 0>, value = 0.0 : f32} : (tensor<1x2x2x2x!q>) -> tensor<1x2x4x2x!q>
  %1 = edge.conv2d %0, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x4x2x!q>, tensor<3x2x2x2x!q>) -> tensor<1x3x3x1x!q>
  %2 = edge.pad %x {low = array<i64: 0, 2, 0, 0>, high = array<i64: 0, 0, 0, 0>, value = 0.0 : f32} : (tensor<1x2x2x2x!q>) -> tensor<1x4x2x2x!q>
  %3 = edge.conv2d %2, %v {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x2x2x!q>, tensor<3x4x2x2x!q>) -> tensor<1x3x1x1x!q>
  %4 = edge.pad %x {low = array<i64: 0, 0, 1, 0>, high = array<i64: 0, 0, 0, 0>, value = 1.0 : f32} : (tensor<1x2x2x2x!q>) -> tensor<1x2x3x2x!q>
  %5 = edge.conv2d %4, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x3x2x!q>, tensor<3x2x2x2x!q>) -> tensor<1x3x2x1x!q>
  func.return %1, %3, %5 : tensor<1x3x3x1x!q>, tensor<1x3x1x1x!q>, tensor<1x3x2x1x!q>
}

// A max pool pads with the least number of the type.
// CHECK-LABEL: func.func @pool
// CHECK-NEXT:    edge.max_pool2d %x {{.*}}padding = array<i64: 0, 1, 0, 1>
func.func @pool(%x: tensor<1x2x3x3x!q>) -> tensor<1x2x2x2x!q> {
  %0 = edge.pad %x {low = array<i64: 0, 0, 0, 0>, high = array<i64: 0, 0, 1, 1>, value = 0.0 : f32} : (tensor<1x2x3x3x!q>) -> tensor<1x2x4x4x!q>
  %1 = edge.max_pool2d %0 {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x2x4x4x!q>) -> tensor<1x2x2x2x!q>
  func.return %1 : tensor<1x2x2x2x!q>
}
