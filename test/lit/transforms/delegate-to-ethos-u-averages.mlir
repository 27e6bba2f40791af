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
