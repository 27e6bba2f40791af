// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'cortex_m.transpose' op input must be a tensor of i8, got tensor<2x3xf32>}}
%0 = cortex_m.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xi8>

// -----

%x = "test.op"() : () -> tensor<1x2x3x4x5xi8>
// expected-error@+1 {{'cortex_m.transpose' op the kernel takes rank 1 to 4, got tensor<1x2x3x4x5xi8>}}
%0 = cortex_m.transpose %x {perm = array<i64: 0, 1, 2, 3, 4>} : (tensor<1x2x3x4x5xi8>) -> tensor<1x2x3x4x5xi8>

// -----

%x = "test.op"() : () -> tensor<i8>
// expected-error@+1 {{'cortex_m.transpose' op the kernel takes rank 1 to 4, got tensor<i8>}}
%0 = cortex_m.transpose %x {perm = array<i64>} : (tensor<i8>) -> tensor<i8>

// -----

%x = "test.op"() : () -> tensor<2x3xi8>
// expected-error@+1 {{'cortex_m.transpose' op perm [0, 0] is not a permutation of rank 2}}
%0 = cortex_m.transpose %x {perm = array<i64: 0, 0>} : (tensor<2x3xi8>) -> tensor<2x2xi8>

// -----

%x = "test.op"() : () -> tensor<2x3xi8>
// expected-error@+1 {{'cortex_m.transpose' op output shape [2, 3] should be [3, 2]}}
%0 = cortex_m.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x3xi8>) -> tensor<2x3xi8>

// -----

%x = "test.op"() : () -> tensor<3x4xf32>
// expected-error@+1 {{'cortex_m.pad' op input must be a tensor of i8, got tensor<3x4xf32>}}
%0 = cortex_m.pad %x {pre_pad = array<i64: 0, 0, 1, 0>, post_pad = array<i64: 0, 0, 0, 2>, pad_value = 0 : i32} : (tensor<3x4xf32>) -> tensor<4x6xi8>

// -----

%x = "test.op"() : () -> tensor<3x4xi8>
// expected-error@+1 {{'cortex_m.pad' op pad_value must be in -128..127, got 128}}
%0 = cortex_m.pad %x {pre_pad = array<i64: 0, 0, 1, 0>, post_pad = array<i64: 0, 0, 0, 2>, pad_value = 128 : i32} : (tensor<3x4xi8>) -> tensor<4x6xi8>

// -----

%x = "test.op"() : () -> tensor<3x4xi8>
// expected-error@+1 {{'cortex_m.pad' op pre_pad and post_pad must be 4 integers ≥ 0, input rank at most 4}}
%0 = cortex_m.pad %x {pre_pad = array<i64: 1, 0>, post_pad = array<i64: 0, 0, 0, 2>, pad_value = 0 : i32} : (tensor<3x4xi8>) -> tensor<4x6xi8>

// -----

%x = "test.op"() : () -> tensor<3x4xi8>
// expected-error@+1 {{'cortex_m.pad' op pre_pad and post_pad must be 4 integers ≥ 0, input rank at most 4}}
%0 = cortex_m.pad %x {pre_pad = array<i64: 0, 0, 1, 0>, post_pad = array<i64: 0, 0, 0, -1>, pad_value = 0 : i32} : (tensor<3x4xi8>) -> tensor<4x6xi8>

// -----

%x = "test.op"() : () -> tensor<1x1x1x3x4xi8>
// expected-error@+1 {{'cortex_m.pad' op pre_pad and post_pad must be 4 integers ≥ 0, input rank at most 4}}
%0 = cortex_m.pad %x {pre_pad = array<i64: 0, 0, 1, 0>, post_pad = array<i64: 0, 0, 0, 2>, pad_value = 0 : i32} : (tensor<1x1x1x3x4xi8>) -> tensor<1x1x1x4x6xi8>

// -----

%x = "test.op"() : () -> tensor<3x4xi8>
// expected-error@+1 {{'cortex_m.pad' op padding on dimensions that tensor<3x4xi8> does not have}}
%0 = cortex_m.pad %x {pre_pad = array<i64: 0, 1, 1, 0>, post_pad = array<i64: 0, 0, 0, 2>, pad_value = 0 : i32} : (tensor<3x4xi8>) -> tensor<4x6xi8>

// -----

%x = "test.op"() : () -> tensor<3x4xi8>
// expected-error@+1 {{'cortex_m.pad' op output shape [3, 4] should be [4, 6]}}
%0 = cortex_m.pad %x {pre_pad = array<i64: 0, 0, 1, 0>, post_pad = array<i64: 0, 0, 0, 2>, pad_value = 0 : i32} : (tensor<3x4xi8>) -> tensor<3x4xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'cortex_m.view' op tensor<4xi8> and tensor<5xi8> are not the same bytes}}
%0 = cortex_m.view %x : (tensor<4xi8>) -> tensor<5xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'cortex_m.view' op tensor<4xi8> and tensor<1xi32> are not the same bytes}}
%0 = cortex_m.view %x : (tensor<4xi8>) -> tensor<1xi32>

// -----

%x = "test.op"() : () -> tensor<4xi8, #cortex_m.place<arena, 16>>
// expected-error@+1 {{'cortex_m.view' op must keep the place of its bytes}}
%0 = cortex_m.view %x : (tensor<4xi8, #cortex_m.place<arena, 16>>) -> tensor<4xi8, #cortex_m.place<arena, 0>>

// -----

// A constant has no place in the arena.
%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'cortex_m.view' op must keep the place of its bytes}}
%0 = cortex_m.view %x : (tensor<4xi8>) -> tensor<4xi8, #cortex_m.place<arena, 0>>

// -----

// expected-error@+1 {{#cortex_m.place: unknown region 'flash'}}
"test.op"() {p = #cortex_m.place<flash, 0>} : () -> ()

// -----

// expected-error@+1 {{#cortex_m.place: negative offset}}
"test.op"() {p = #cortex_m.place<arena, -16>} : () -> ()
