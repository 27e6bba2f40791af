// RUN: ROUNDTRIP

// 6 filters of 3x3x5 weights are 270 weights, in 135 bytes. The scratch is for one filter, and for windows
// of 45 values, filled up to 48, four bytes each.

// CHECK-LABEL: @convolution
// CHECK: %{{.*}} = cmopt.packed_conv2d %{{.*}}, %{{.*}} sums %{{.*}} requantize %{{.*}}, %{{.*}} scratch %{{.*}} {kernel_size = array<i64: 3, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 3 : i32, output_offset = -7 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>
func.func @convolution(%x: tensor<1x4x4x5xi8>, %w: tensor<135xi8>, %b: tensor<6xi32>, %t: tensor<237xi8>) {
  %0 = cmopt.packed_conv2d %x, %w sums %b requantize %b, %b scratch %t {kernel_size = array<i64: 3, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 3 : i32, output_offset = -7 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>
  func.return
}

// 3 filters of 1x1x5 weights are 15 weights, in 8 bytes. Windows of one pixel take no scratch.
// It may be larger: here it has room for 3 filters.

// CHECK-LABEL: @linear
// CHECK: cmopt.packed_conv2d {{.*}} : (tensor<2x1x1x5xi8>, tensor<8xi8>, tensor<3xi32>, tensor<3xi32>, tensor<3xi32>, tensor<15xi8>) -> tensor<2x1x1x3xi8>
func.func @linear(%x: tensor<2x1x1x5xi8>, %w: tensor<8xi8>, %b: tensor<3xi32>, %t: tensor<15xi8>) {
  %0 = cmopt.packed_conv2d %x, %w sums %b requantize %b, %b scratch %t {kernel_size = array<i64: 1, 1>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 3 : i32, output_offset = -7 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x1x1x5xi8>, tensor<8xi8>, tensor<3xi32>, tensor<3xi32>, tensor<3xi32>, tensor<15xi8>) -> tensor<2x1x1x3xi8>
  func.return
}

// In 2 groups, a filter has half of the input channels.

// CHECK-LABEL: @groups
// CHECK: cmopt.packed_conv2d {{.*}}groups = 2 : i32{{.*}} : (tensor<1x4x4x6xi8>, tensor<54xi8>, {{.*}}) -> tensor<1x4x4x4xi8>
func.func @groups(%x: tensor<1x4x4x6xi8>, %w: tensor<54xi8>, %b: tensor<4xi32>, %t: tensor<139xi8>) {
  %0 = cmopt.packed_conv2d %x, %w sums %b requantize %b, %b scratch %t {kernel_size = array<i64: 3, 3>, groups = 2 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 3 : i32, output_offset = -7 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x6xi8>, tensor<54xi8>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<139xi8>) -> tensor<1x4x4x4xi8>
  func.return
}
