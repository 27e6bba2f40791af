// RUN: cm-opt %s --pass-pipeline='builtin.module(split-rows{max-arena=1000},plan-memory,verify-plan)' --split-input-file | filecheck %s

// A pool is computed four rows at a time. Only the first strip pads above; the last one pads below,
// because its result has more rows than its input reaches. The parts of the result are where they
// belong, and the second one takes the place of rows that are not read any more.
// CHECK-LABEL: @pools
// CHECK-SAME:  cortex_m.row_strips = "[{\22first\22: \22{{.*}}:16:3\22, \22last\22: \22{{.*}}:16:3\22, \22calls\22: 1, \22strips\22: 2, \22extra_products\22: 0, \22extra_calls\22: 1}]", cortex_m.arena_bytes = 832 : i64
// CHECK-NEXT:  cortex_m.subview %x {offset = 0 : i64} : {{.*}} -> tensor<1x5x8x8xi8, #cortex_m.place<arena, 320>>
// CHECK-NEXT:  cortex_m.subview %x {offset = 192 : i64} : {{.*}} -> tensor<1x5x8x8xi8, #cortex_m.place<arena, 512>>
// CHECK-NEXT:  cortex_m.quantized_max_pool2d {{.*}}padding = array<i64: 1, 1>{{.*}} -> tensor<1x4x8x8xi8, #cortex_m.place<arena, 0>>
// CHECK-NEXT:  cortex_m.quantized_max_pool2d {{.*}}padding = array<i64: 0, 1>{{.*}} -> tensor<1x4x8x8xi8, #cortex_m.place<arena, 256>>
// CHECK-NEXT:  cortex_m.join {{.*}} -> tensor<1x8x8x8xi8, #cortex_m.place<arena, 0>>
// CHECK-NEXT:  cortex_m.quantized_max_pool2d
// CHECK-NEXT:  func.return
func.func @pools(%x: tensor<1x8x8x8xi8>) -> tensor<1x4x4x8xi8> {
  %0 = cortex_m.quantized_max_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, ceil_mode = false, dilation = array<i64: 1, 1>, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x8x8x8xi8>) -> tensor<1x8x8x8xi8>
  %1 = cortex_m.quantized_max_pool2d %0 {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0>, ceil_mode = false, dilation = array<i64: 1, 1>, input_zero_point = 0 : i32, output_zero_point = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x8x8x8xi8>) -> tensor<1x4x4x8xi8>
  func.return %1 : tensor<1x4x4x8xi8>
}

// -----

// What is small enough stays.
// CHECK-LABEL: @small
// CHECK-NOT:   cortex_m.row_strips
// CHECK-NOT:   cortex_m.join
func.func @small(%x: tensor<1x8x8x8xi8>) -> tensor<1x8x8x8xi8> {
  %0 = cortex_m.maximum %x, %x : (tensor<1x8x8x8xi8>, tensor<1x8x8x8xi8>) -> tensor<1x8x8x8xi8>
  func.return %0 : tensor<1x8x8x8xi8>
}
