// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m{kernels=cmopt},canonicalize,cse,dce)' --split-input-file | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m,canonicalize,cse,dce)' --split-input-file | filecheck %s --check-prefix STOCK

// With this project's kernels, weights of 4 bits are two in a byte: the first in the lower half. Sums
// begin with the bias, here 0, and the input's offset -3 times the sum of the weights, here 6 and -2.
// The stock kernels take a byte for each.

// STOCK-NOT: cmopt.
// STOCK:     cortex_m.quantized_linear %{{.*}} : (tensor<2x3xi8>, tensor<2x3xi8>

!x = !quant.uniform<i8:f32, 0.05:3>
!w = !quant.uniform<i8<-7:7>:f32, 0.1>
!y = !quant.uniform<i8:f32, 0.1>

// CHECK-LABEL: @linear
// CHECK:         %[[X:.*]] = cortex_m.view %{{.*}} : (tensor<2x3xi8>) -> tensor<2x1x1x3xi8>
// CHECK:         %[[W:.*]] = arith.constant dense<[33, -13, 90]> : tensor<3xi8>
// CHECK:         %[[B:.*]] = arith.constant dense<[-18, 6]> : tensor<2xi32>
// CHECK:         cortex_m.scratch : tensor<6xi8>
// CHECK:         cmopt.packed_conv2d %[[X]], %[[W]] sums %[[B]] {{.*}} {kernel_size = array<i64: 1, 1>, groups = 1 : i32, {{.*}}, input_offset = -3 : i32, {{.*}}}
func.func @linear(%x: tensor<2x3x!x>) -> tensor<2x2x!y> {
  %w = arith.constant dense<[[1, 2, 3], [-1, -6, 5]]> : tensor<2x3xi8>
  %q = quant.scast %w : tensor<2x3xi8> to tensor<2x3x!w>
  %0 = edge.linear %x, %q : (tensor<2x3x!x>, tensor<2x3x!w>) -> tensor<2x2x!y>
  func.return %0 : tensor<2x2x!y>
}

// -----

// Input channels are innermost. A filter of 3 weights ends in the middle of a byte. The scratch is for
// 2 filters, and 16 bytes for windows.

// STOCK-NOT: cmopt.

!x = !quant.uniform<i8:f32, 0.05:3>
!w = !quant.uniform<i8<-8:7>:f32:0, {0.1, 0.2}>
!y = !quant.uniform<i8:f32, 0.1>

// CHECK-LABEL: @convolution
// CHECK:         %[[W:.*]] = arith.constant dense<[-104, 119, -105]> : tensor<3xi8>
// CHECK:         cortex_m.scratch : tensor<22xi8>
// CHECK:         cmopt.packed_conv2d %{{.*}}, %[[W]] sums %{{.*}} {kernel_size = array<i64: 1, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 0, 1>, {{.*}}} : {{.*}} -> tensor<1x4x4x2xi8>
func.func @convolution(%x: tensor<1x4x4x1x!x>) -> tensor<1x4x4x2x!y> {
  %w = arith.constant dense<[[[[-8], [-7], [7]]], [[[7], [7], [-7]]]]> : tensor<2x1x3x1xi8>
  %q = quant.scast %w : tensor<2x1x3x1xi8> to tensor<2x1x3x1x!w>
  %0 = edge.conv2d %x, %q {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<1x4x4x1x!x>, tensor<2x1x3x1x!w>) -> tensor<1x4x4x2x!y>
  func.return %0 : tensor<1x4x4x2x!y>
}

// -----

!x = !quant.uniform<i8:f32, 0.05:3>
!w = !quant.uniform<i8<-8:7>:f32, 0.1>
!y = !quant.uniform<i8:f32, 0.1>

// Groups are counted; a depthwise convolution stays on its kernel.

// CHECK-LABEL: @groups
// CHECK:         cmopt.packed_conv2d {{.*}}groups = 2 : i32
// CHECK:         cortex_m.quantized_depthwise_conv2d
func.func @groups(%x: tensor<1x4x4x4x!x>) -> (tensor<1x4x4x2x!y>, tensor<1x4x4x4x!y>) {
  %w = arith.constant dense<1> : tensor<2x1x1x2xi8>
  %q = quant.scast %w : tensor<2x1x1x2xi8> to tensor<2x1x1x2x!w>
  %0 = edge.conv2d %x, %q {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 2 : i64, data_format = "NHWC"} : (tensor<1x4x4x4x!x>, tensor<2x1x1x2x!w>) -> tensor<1x4x4x2x!y>
  %v = arith.constant dense<1> : tensor<4x1x1x1xi8>
  %r = quant.scast %v : tensor<4x1x1x1xi8> to tensor<4x1x1x1x!w>
  %1 = edge.conv2d %x, %r {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 4 : i64, data_format = "NHWC"} : (tensor<1x4x4x4x!x>, tensor<4x1x1x1x!w>) -> tensor<1x4x4x4x!y>
  func.return %0, %1 : tensor<1x4x4x2x!y>, tensor<1x4x4x4x!y>
}

// -----

!x = !quant.uniform<i8:f32, 0.05:3>
!w = !quant.uniform<i8<-9:7>:f32, 0.1>
!v = !quant.uniform<i8<-8:7>:f32, 0.1>
!y = !quant.uniform<i8:f32, 0.1>

// A type of more than 4 bits, and a value outside of its type's range, stay in bytes.

// CHECK-LABEL: @wider
// CHECK-NOT:     cmopt.
// CHECK:         cortex_m.quantized_linear
// CHECK:         cortex_m.quantized_linear
// CHECK-NOT:     cmopt.
func.func @wider(%x: tensor<1x2x!x>) -> (tensor<1x2x!y>, tensor<1x2x!y>) {
  %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %q = quant.scast %w : tensor<2x2xi8> to tensor<2x2x!w>
  %0 = edge.linear %x, %q : (tensor<1x2x!x>, tensor<2x2x!w>) -> tensor<1x2x!y>
  %v = arith.constant dense<[[1, 2], [3, 8]]> : tensor<2x2xi8>
  %r = quant.scast %v : tensor<2x2xi8> to tensor<2x2x!v>
  %1 = edge.linear %x, %r : (tensor<1x2x!x>, tensor<2x2x!v>) -> tensor<1x2x!y>
  func.return %0, %1 : tensor<1x2x!y>, tensor<1x2x!y>
}

// -----

!x = !quant.uniform<i8:f32, 0.05:3>
!w = !quant.uniform<i8<-8:7>:f32, 0.1>
!y = !quant.uniform<i8:f32, 0.1>

// At most 16 filters are unpacked at a time, and at most 4096 weights: a multiple of 4 filters, if they
// are 4 at least, and otherwise one at least.

// CHECK-LABEL: @scratch
// CHECK:         cortex_m.scratch : tensor<1600xi8>
// CHECK:         cortex_m.scratch : tensor<2400xi8>
// CHECK:         cortex_m.scratch : tensor<5000xi8>
func.func @scratch(%x: tensor<1x100x!x>, %y: tensor<2x600x!x>, %z: tensor<1x5000x!x>) -> (tensor<1x40x!y>, tensor<2x40x!y>, tensor<1x40x!y>) {
  %u = arith.constant dense<1> : tensor<40x100xi8>
  %v = arith.constant dense<1> : tensor<40x600xi8>
  %w = arith.constant dense<1> : tensor<40x5000xi8>
  %p = quant.scast %u : tensor<40x100xi8> to tensor<40x100x!w>
  %q = quant.scast %v : tensor<40x600xi8> to tensor<40x600x!w>
  %r = quant.scast %w : tensor<40x5000xi8> to tensor<40x5000x!w>
  %0 = edge.linear %x, %p : (tensor<1x100x!x>, tensor<40x100x!w>) -> tensor<1x40x!y>
  %1 = edge.linear %y, %q : (tensor<2x600x!x>, tensor<40x600x!w>) -> tensor<2x40x!y>
  %2 = edge.linear %z, %r : (tensor<1x5000x!x>, tensor<40x5000x!w>) -> tensor<1x40x!y>
  func.return %0, %1, %2 : tensor<1x40x!y>, tensor<2x40x!y>, tensor<1x40x!y>
}
