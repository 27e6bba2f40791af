// RUN: ROUNDTRIP

// Every op in MLIR's spelling; a unit test lets MLIR's own validation read this file, too.

// CHECK-LABEL: @constants
func.func @constants() -> (tensor<2xi8>, tensor<2xi48>) {
  // CHECK: "tosa.const"() <{values = dense<[-1, 2]> : tensor<2xi8>}> : () -> tensor<2xi8>
  %0 = "tosa.const"() <{values = dense<[-1, 2]> : tensor<2xi8>}> : () -> tensor<2xi8>
  // CHECK: "tosa.const"() <{values = dense<-140737488355328> : tensor<2xi48>}> : () -> tensor<2xi48>
  %1 = "tosa.const"() <{values = dense<-140737488355328> : tensor<2xi48>}> : () -> tensor<2xi48>
  return %0, %1 : tensor<2xi8>, tensor<2xi48>
}

// CHECK-LABEL: @convolutions
func.func @convolutions(%x: tensor<1x4x4x3xi8>, %w: tensor<2x3x3x3xi8>, %b: tensor<2xi32>, %d: tensor<3x3x3x2xi8>, %c: tensor<6xi32>) -> (tensor<1x2x2x2xi32>, tensor<1x4x4x6xi32>, tensor<1x8x9x2xi32>) {
  %z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  // CHECK: tosa.conv2d %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>
  // CHECK: tosa.depthwise_conv2d {{.*}} {acc_type = i32, local_bound = true, stride = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, dilation = array<i64: 1, 1>} : {{.*}} -> tensor<1x4x4x6xi32>
  %1 = tosa.depthwise_conv2d %x, %d, %c, %z, %z {acc_type = i32, local_bound = true, stride = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<3x3x3x2xi8>, tensor<6xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4x6xi32>
  // CHECK: tosa.transpose_conv2d {{.*}} {acc_type = i32, stride = array<i64: 2, 2>, out_pad = array<i64: -1, 0, 0, 0>} : {{.*}} -> tensor<1x8x9x2xi32>
  %2 = tosa.transpose_conv2d %x, %w, %b, %z, %z {acc_type = i32, stride = array<i64: 2, 2>, out_pad = array<i64: -1, 0, 0, 0>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x8x9x2xi32>
  return %0, %1, %2 : tensor<1x2x2x2xi32>, tensor<1x4x4x6xi32>, tensor<1x8x9x2xi32>
}

// CHECK-LABEL: @pools_and_reductions
func.func @pools_and_reductions(%x: tensor<1x4x4x3xi8>, %s: tensor<2x3xi32>) -> (tensor<1x2x2x3xi8>, tensor<1x4x4x3xi8>, tensor<1x3xi32>, tensor<2x1xi32>, tensor<1x4x1x3xi8>) {
  %z = "tosa.const"() <{values = dense<3> : tensor<1xi8>}> : () -> tensor<1xi8>
  // CHECK: tosa.max_pool2d %{{.*}} {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>} : (tensor<1x4x4x3xi8>) -> tensor<1x2x2x3xi8>
  %0 = tosa.max_pool2d %x {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>} : (tensor<1x4x4x3xi8>) -> tensor<1x2x2x3xi8>
  // CHECK: tosa.avg_pool2d %{{.*}}, %{{.*}}, %{{.*}} {kernel = array<i64: 3, 3>, stride = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, acc_type = i32}
  %1 = tosa.avg_pool2d %x, %z, %z {kernel = array<i64: 3, 3>, stride = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, acc_type = i32} : (tensor<1x4x4x3xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4x3xi8>
  // CHECK: tosa.reduce_sum %{{.*}} {axis = 0 : i32} : (tensor<2x3xi32>) -> tensor<1x3xi32>
  %2 = tosa.reduce_sum %s {axis = 0 : i32} : (tensor<2x3xi32>) -> tensor<1x3xi32>
  // CHECK: tosa.reduce_max %{{.*}} {axis = 1 : i32} : (tensor<2x3xi32>) -> tensor<2x1xi32>
  %3 = tosa.reduce_max %s {axis = 1 : i32} : (tensor<2x3xi32>) -> tensor<2x1xi32>
  // CHECK: tosa.reduce_min %{{.*}} {axis = 2 : i32} : (tensor<1x4x4x3xi8>) -> tensor<1x4x1x3xi8>
  %4 = tosa.reduce_min %x {axis = 2 : i32} : (tensor<1x4x4x3xi8>) -> tensor<1x4x1x3xi8>
  return %0, %1, %2, %3, %4 : tensor<1x2x2x3xi8>, tensor<1x4x4x3xi8>, tensor<1x3xi32>, tensor<2x1xi32>, tensor<1x4x1x3xi8>
}

// CHECK-LABEL: @elementwise
func.func @elementwise(%a: tensor<2x3xi32>, %b: tensor<1x3xi32>, %x: tensor<2x3xi8>, %p: tensor<2x3x4xi8>, %q: tensor<2x4x5xi8>) -> (tensor<2x3xi32>, tensor<2x3xi8>, tensor<2x3x5xi32>) {
  %z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  // CHECK: tosa.add %{{.*}}, %{{.*}} : (tensor<2x3xi32>, tensor<1x3xi32>) -> tensor<2x3xi32>
  %0 = tosa.add %a, %b : (tensor<2x3xi32>, tensor<1x3xi32>) -> tensor<2x3xi32>
  // CHECK: tosa.sub %{{.*}}, %{{.*}} : (tensor<1x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  %1 = tosa.sub %b, %0 : (tensor<1x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: tosa.mul %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xi8>, tensor<2x3xi8>, tensor<1xi8>) -> tensor<2x3xi32>
  %2 = tosa.mul %x, %x, %z : (tensor<2x3xi8>, tensor<2x3xi8>, tensor<1xi8>) -> tensor<2x3xi32>
  // CHECK: tosa.maximum %{{.*}}, %{{.*}} : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  %3 = tosa.maximum %1, %2 : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: tosa.minimum %{{.*}}, %{{.*}} : (tensor<2x3xi32>, tensor<1x3xi32>) -> tensor<2x3xi32>
  %4 = tosa.minimum %3, %b : (tensor<2x3xi32>, tensor<1x3xi32>) -> tensor<2x3xi32>
  // CHECK: tosa.clz %{{.*}} : (tensor<2x3xi32>) -> tensor<2x3xi32>
  %5 = tosa.clz %4 : (tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: tosa.logical_left_shift %{{.*}}, %{{.*}} : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  %6 = tosa.logical_left_shift %4, %5 : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: tosa.arithmetic_right_shift %{{.*}}, %{{.*}} {round = true} : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  %7 = tosa.arithmetic_right_shift %6, %5 {round = true} : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: tosa.cast %{{.*}} : (tensor<2x3xi32>) -> tensor<2x3xi8>
  %8 = tosa.cast %7 : (tensor<2x3xi32>) -> tensor<2x3xi8>
  %t = "tosa.const"() <{values = dense<1> : tensor<256xi8>}> : () -> tensor<256xi8>
  // CHECK: tosa.table %{{.*}}, %{{.*}} : (tensor<2x3xi8>, tensor<256xi8>) -> tensor<2x3xi8>
  %9 = tosa.table %8, %t : (tensor<2x3xi8>, tensor<256xi8>) -> tensor<2x3xi8>
  // CHECK: tosa.clamp %{{.*}} {min_val = -5 : i8, max_val = 6 : i8} : (tensor<2x3xi8>) -> tensor<2x3xi8>
  %10 = tosa.clamp %9 {min_val = -5 : i8, max_val = 6 : i8} : (tensor<2x3xi8>) -> tensor<2x3xi8>
  // CHECK: tosa.matmul %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3x4xi8>, tensor<2x4x5xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<2x3x5xi32>
  %11 = tosa.matmul %p, %q, %z, %z : (tensor<2x3x4xi8>, tensor<2x4x5xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<2x3x5xi32>
  return %7, %10, %11 : tensor<2x3xi32>, tensor<2x3xi8>, tensor<2x3x5xi32>
}

// CHECK-LABEL: @rescales
func.func @rescales(%x: tensor<2x3xi32>) -> tensor<2x3xi8> {
  %m = "tosa.const"() <{values = dense<1073741824> : tensor<3xi32>}> : () -> tensor<3xi32>
  %s = "tosa.const"() <{values = dense<[30, 31, 40]> : tensor<3xi8>}> : () -> tensor<3xi8>
  %z = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %o = "tosa.const"() <{values = dense<-7> : tensor<1xi8>}> : () -> tensor<1xi8>
  // CHECK: tosa.rescale %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {input_unsigned = false, output_unsigned = false, per_channel = true, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<2x3xi32>, tensor<3xi32>, tensor<3xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<2x3xi8>
  %0 = tosa.rescale %x, %m, %s, %z, %o {rounding_mode = SINGLE_ROUND, scale32 = true, per_channel = true, input_unsigned = false, output_unsigned = false} : (tensor<2x3xi32>, tensor<3xi32>, tensor<3xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<2x3xi8>
  return %0 : tensor<2x3xi8>
}

// CHECK-LABEL: @movement
func.func @movement(%x: tensor<1x2x3x4xi8>) -> (tensor<6x4xi8>, tensor<1x4x2x3xi8>, tensor<1x3x3x4xi8>, tensor<1x1x2x4xi8>, tensor<1x2x6x4xi8>, tensor<1x4x3x4xi8>, tensor<1x4x6x4xi8>, tensor<1x3x5x4xi32>) {
  // CHECK: %[[SHAPE:.*]] = tosa.const_shape {values = dense<[6, 4]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %shape = tosa.const_shape {values = dense<[6, 4]> : tensor<2xindex>} : () -> !tosa.shape<2>
  // CHECK: tosa.reshape %{{.*}}, %[[SHAPE]] : (tensor<1x2x3x4xi8>, !tosa.shape<2>) -> tensor<6x4xi8>
  %0 = tosa.reshape %x, %shape : (tensor<1x2x3x4xi8>, !tosa.shape<2>) -> tensor<6x4xi8>
  // CHECK: tosa.transpose %{{.*}} {perms = array<i32: 0, 3, 1, 2>} : (tensor<1x2x3x4xi8>) -> tensor<1x4x2x3xi8>
  %1 = tosa.transpose %x {perms = array<i32: 0, 3, 1, 2>} : (tensor<1x2x3x4xi8>) -> tensor<1x4x2x3xi8>
  %padding = tosa.const_shape {values = dense<[0, 0, 0, 1, 0, 0, 0, 0]> : tensor<8xindex>} : () -> !tosa.shape<8>
  %fill = "tosa.const"() <{values = dense<-128> : tensor<1xi8>}> : () -> tensor<1xi8>
  // CHECK: tosa.pad %{{.*}}, %{{.*}}, %{{.*}} : (tensor<1x2x3x4xi8>, !tosa.shape<8>, tensor<1xi8>) -> tensor<1x3x3x4xi8>
  %2 = tosa.pad %x, %padding, %fill : (tensor<1x2x3x4xi8>, !tosa.shape<8>, tensor<1xi8>) -> tensor<1x3x3x4xi8>
  %start = tosa.const_shape {values = dense<[0, 1, 1, 0]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %size = tosa.const_shape {values = dense<[1, 1, 2, 4]> : tensor<4xindex>} : () -> !tosa.shape<4>
  // CHECK: tosa.slice %{{.*}}, %{{.*}}, %{{.*}} : (tensor<1x2x3x4xi8>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x1x2x4xi8>
  %3 = tosa.slice %x, %start, %size : (tensor<1x2x3x4xi8>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x1x2x4xi8>
  %multiples = tosa.const_shape {values = dense<[1, 1, 2, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
  // CHECK: tosa.tile %{{.*}}, %{{.*}} : (tensor<1x2x3x4xi8>, !tosa.shape<4>) -> tensor<1x2x6x4xi8>
  %4 = tosa.tile %x, %multiples : (tensor<1x2x3x4xi8>, !tosa.shape<4>) -> tensor<1x2x6x4xi8>
  // CHECK: tosa.reverse %{{.*}} {axis = 1 : i32} : (tensor<1x2x3x4xi8>) -> tensor<1x2x3x4xi8>
  %5 = tosa.reverse %x {axis = 1 : i32} : (tensor<1x2x3x4xi8>) -> tensor<1x2x3x4xi8>
  // CHECK: tosa.concat %{{.*}}, %{{.*}} {axis = 1 : i32} : (tensor<1x2x3x4xi8>, tensor<1x2x3x4xi8>) -> tensor<1x4x3x4xi8>
  %6 = tosa.concat %x, %5 {axis = 1 : i32} : (tensor<1x2x3x4xi8>, tensor<1x2x3x4xi8>) -> tensor<1x4x3x4xi8>
  %scale = tosa.const_shape {values = dense<[4, 2, 4, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %offset = tosa.const_shape {values = dense<[-1, -1]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %border = tosa.const_shape {values = dense<[1, 1]> : tensor<2xindex>} : () -> !tosa.shape<2>
  // CHECK: tosa.resize %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {mode = NEAREST_NEIGHBOR} : (tensor<1x2x3x4xi8>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x4x6x4xi8>
  %7 = tosa.resize %x, %scale, %offset, %border {mode = NEAREST_NEIGHBOR} : (tensor<1x2x3x4xi8>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x4x6x4xi8>
  %none = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
  // CHECK: tosa.resize %{{.*}} {mode = BILINEAR} : {{.*}} -> tensor<1x3x5x4xi32>
  %8 = tosa.resize %x, %scale, %none, %none {mode = BILINEAR} : (tensor<1x2x3x4xi8>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x3x5x4xi32>
  return %0, %1, %2, %3, %4, %6, %7, %8 : tensor<6x4xi8>, tensor<1x4x2x3xi8>, tensor<1x3x3x4xi8>, tensor<1x1x2x4xi8>, tensor<1x2x6x4xi8>, tensor<1x4x3x4xi8>, tensor<1x4x6x4xi8>, tensor<1x3x5x4xi32>
}
