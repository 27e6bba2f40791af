// RUN: cm-opt %s -p 'delegate-to-ethos-u{npu="ethos-u55-128"}' | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:3>
!r = !quant.uniform<i8:f32, 0.25>

// A pool gives the input's type, and a table after it would round again.
// CHECK-LABEL: func.func @mean
// CHECK-NOT:     tosa.table
// CHECK:         tosa.depthwise_conv2d {{.*}} -> tensor<1x1x1x4xi32>
// CHECK-NEXT:    {{.*}}tosa.const
// CHECK:         tosa.rescale {{.*}} -> tensor<1x1x1x4xi8>
// CHECK-NOT:     tosa.table
// CHECK:         func.return
func.func @mean(%x: tensor<1x7x7x4x!q>) -> tensor<1x1x1x4x!r> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 7, 7>, stride = array<i64: 7, 7>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x7x7x4x!q>) -> tensor<1x1x1x4x!r>
  func.return %0 : tensor<1x1x1x4x!r>
}

// If the type stays, it stays a pool.
// CHECK-LABEL: func.func @pool
// CHECK:         tosa.avg_pool2d
// CHECK:         func.return
func.func @pool(%x: tensor<1x7x7x4x!q>) -> tensor<1x1x1x4x!q> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 7, 7>, stride = array<i64: 7, 7>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x7x7x4x!q>) -> tensor<1x1x1x4x!q>
  func.return %0 : tensor<1x1x1x4x!q>
}

// Padding that counts is the convolution's: a pool's would be copied around the input.
// CHECK-LABEL: func.func @counted
// CHECK-NOT:     tosa.pad
// CHECK:         tosa.depthwise_conv2d {{.*}}pad = array<i64: 1, 1, 1, 1>{{.*}} -> tensor<1x7x7x4xi32>
// CHECK:         tosa.rescale {{.*}} -> tensor<1x7x7x4xi8>
// CHECK:         func.return
func.func @counted(%x: tensor<1x7x7x4x!q>) -> tensor<1x7x7x4x!q> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 3, 3>, stride = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x7x7x4x!q>) -> tensor<1x7x7x4x!q>
  func.return %0 : tensor<1x7x7x4x!q>
}

// An axis with a long stride is cut into windows; the other keeps them all.
// CHECK-LABEL: func.func @long_in_height
// CHECK-COUNT-2: tosa.avg_pool2d {{.*}}kernel = array<i64: 5, 2>, stride = array<i64: 1, 2>{{.*}} -> tensor<1x1x4x4xi8>
// CHECK-NOT:     tosa.avg_pool2d
// CHECK:         tosa.concat {{.*}} -> tensor<1x2x4x4xi8>
func.func @long_in_height(%x: tensor<1x10x8x4x!q>) -> tensor<1x2x4x4x!q> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 5, 2>, stride = array<i64: 5, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x10x8x4x!q>) -> tensor<1x2x4x4x!q>
  func.return %0 : tensor<1x2x4x4x!q>
}

// CHECK-LABEL: func.func @long_in_width
// CHECK-COUNT-2: tosa.avg_pool2d {{.*}} -> tensor<1x4x1x4xi8>
// CHECK-NOT:     tosa.avg_pool2d
// CHECK:         tosa.concat {{.*}} -> tensor<1x4x2x4xi8>
func.func @long_in_width(%x: tensor<1x8x10x4x!q>) -> tensor<1x4x2x4x!q> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 2, 5>, stride = array<i64: 2, 5>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x8x10x4x!q>) -> tensor<1x4x2x4x!q>
  func.return %0 : tensor<1x4x2x4x!q>
}

// Windows are joined as pixels and then transposed: the NPU cannot write single channels apart.
// CHECK-LABEL: func.func @planes
// CHECK-COUNT-4: tosa.avg_pool2d
// CHECK:         tosa.concat {{.*}} -> tensor<1x4x1x4xi8>
// CHECK-NOT:     tosa.concat
// CHECK:         tosa.transpose
func.func @planes(%x: tensor<1x10x10x4x!q>) -> tensor<1x4x2x2x!q> {
  %0 = edge.avg_pool2d %x {kernel_size = array<i64: 5, 5>, stride = array<i64: 5, 5>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true, data_format = "NHWC"} : (tensor<1x10x10x4x!q>) -> tensor<1x2x2x4x!q>
  %1 = edge.permute %0 {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x2x2x4x!q>) -> tensor<1x4x2x2x!q>
  func.return %1 : tensor<1x4x2x2x!q>
}
