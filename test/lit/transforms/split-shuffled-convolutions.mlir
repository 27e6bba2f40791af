// RUN: cm-opt %s -p 'split-shuffled-convolutions{npu="ethos-u55-128"}' | filecheck %s
// RUN: cm-opt %s -p split-shuffled-convolutions | filecheck %s --check-prefix=CORE

!q = !quant.uniform<i8:f32, 0.5>
!w = !quant.uniform<i8<-127:127>:f32:0, {1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,9.0,10.0,11.0,12.0}>

// Channel 4·c + 2·i + j is pixel (i, j) of channel c of a block. The convolution of row 0 has the
// channels with i = 0, in the order of j, then c.
// CHECK-LABEL: @pixel_shuffle
// CHECK:         arith.constant dense<[0, 4, 8, 1, 5, 9]>
// CHECK:         edge.conv2d {{.*}}{1.0, 5.0, 9.0, 2.0, 6.0, 10.0}{{.*}} -> tensor<1x6x5x4x
// CHECK:         arith.constant dense<[2, 6, 10, 3, 7, 11]>
// CHECK:         edge.conv2d {{.*}} -> tensor<1x6x5x4x
// CHECK:         edge.cat {{.*}} {dim = 0 : i64}
// CHECK:         edge.permute {{.*}} -> tensor<1x3x5x2x8x1x
// CHECK-NEXT:    edge.reshape {{.*}} -> tensor<1x3x10x8x
// CHECK-NEXT:    func.return
// CORE-LABEL: @pixel_shuffle
// CORE:         edge.conv2d {{.*}} -> tensor<1x12x5x4x
// CORE-NEXT:    edge.reshape
// CORE-NEXT:    edge.permute
func.func @pixel_shuffle(%x: tensor<1x2x5x4x!q>) -> tensor<1x3x10x8x!q> {
  %c = arith.constant dense<1> : tensor<12x2x1x1xi8>
  %w = quant.scast %c : tensor<12x2x1x1xi8> to tensor<12x2x1x1x!w>
  %d = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]> : tensor<12xi32>
  %b = quant.scast %d : tensor<12xi32> to tensor<12x!quant.uniform<i32:f32:0, {0.5,1.0,1.5,2.0,2.5,3.0,3.5,4.0,4.5,5.0,5.5,6.0}>>
  %0 = edge.conv2d %x, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x5x4x!q>, tensor<12x2x1x1x!w>, tensor<12x!quant.uniform<i32:f32:0, {0.5,1.0,1.5,2.0,2.5,3.0,3.5,4.0,4.5,5.0,5.5,6.0}>>) -> tensor<1x12x5x4x!q>
  %1 = edge.reshape %0 : (tensor<1x12x5x4x!q>) -> tensor<1x3x2x2x5x4x!q>
  %2 = edge.permute %1 {perm = array<i64: 0, 1, 4, 2, 5, 3>} : (tensor<1x3x2x2x5x4x!q>) -> tensor<1x3x5x2x4x2x!q>
  %3 = edge.reshape %2 : (tensor<1x3x5x2x4x2x!q>) -> tensor<1x3x10x8x!q>
  func.return %3 : tensor<1x3x10x8x!q>
}

// One of 4 channels would take as long for 2.
// CHECK-LABEL: @few_channels
// CHECK:         edge.conv2d {{.*}} -> tensor<1x4x5x4x
// CHECK-NOT:     edge.conv2d
// CHECK:         func.return
func.func @few_channels(%x: tensor<1x2x5x4x!q>) -> tensor<1x1x10x8x!q> {
  %c = arith.constant dense<1> : tensor<4x2x1x1xi8>
  %w = quant.scast %c : tensor<4x2x1x1xi8> to tensor<4x2x1x1x!quant.uniform<i8<-127:127>:f32, 1.0>>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x5x4x!q>, tensor<4x2x1x1x!quant.uniform<i8<-127:127>:f32, 1.0>>) -> tensor<1x4x5x4x!q>
  %1 = edge.reshape %0 : (tensor<1x4x5x4x!q>) -> tensor<1x1x2x2x5x4x!q>
  %2 = edge.permute %1 {perm = array<i64: 0, 1, 4, 2, 5, 3>} : (tensor<1x1x2x2x5x4x!q>) -> tensor<1x1x5x2x4x2x!q>
  %3 = edge.reshape %2 : (tensor<1x1x5x2x4x2x!q>) -> tensor<1x1x10x8x!q>
  func.return %3 : tensor<1x1x10x8x!q>
}

// The convolution has another reader.
// CHECK-LABEL: @read_twice
// CHECK:         edge.conv2d {{.*}} -> tensor<1x12x5x4x
// CHECK-NOT:     edge.conv2d
// CHECK:         func.return
func.func @read_twice(%x: tensor<1x2x5x4x!q>) -> (tensor<1x3x10x8x!q>, tensor<1x12x5x4x!q>) {
  %c = arith.constant dense<1> : tensor<12x2x1x1xi8>
  %w = quant.scast %c : tensor<12x2x1x1xi8> to tensor<12x2x1x1x!w>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x5x4x!q>, tensor<12x2x1x1x!w>) -> tensor<1x12x5x4x!q>
  %1 = edge.reshape %0 : (tensor<1x12x5x4x!q>) -> tensor<1x3x2x2x5x4x!q>
  %2 = edge.permute %1 {perm = array<i64: 0, 1, 4, 2, 5, 3>} : (tensor<1x3x2x2x5x4x!q>) -> tensor<1x3x5x2x4x2x!q>
  %3 = edge.reshape %2 : (tensor<1x3x5x2x4x2x!q>) -> tensor<1x3x10x8x!q>
  func.return %3, %0 : tensor<1x3x10x8x!q>, tensor<1x12x5x4x!q>
}
