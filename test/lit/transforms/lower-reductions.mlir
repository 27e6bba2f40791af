// RUN: cm-opt %s -p lower-reductions,canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:3>
!r = !quant.uniform<i8:f32, 0.25>

// The dimensions after the reduced one become channels: no byte moves.
// CHECK-LABEL: func.func @mean
// CHECK-NEXT:    edge.reshape %x : {{.*}} -> tensor<2x3x1x4x!quant.uniform<i8:f32, 0.5:3>>
// CHECK-NEXT:    edge.avg_pool2d {{.*}}kernel_size = array<i64: 3, 1>{{.*}} -> tensor<2x1x1x4x!quant.uniform<i8:f32, 0.25>>
// CHECK-NEXT:    edge.reshape {{.*}} -> tensor<2x1x4x!quant.uniform<i8:f32, 0.25>>
func.func @mean(%x: tensor<2x3x4x!q>) -> tensor<2x1x4x!r> {
  %0 = edge.mean %x {dims = array<i64: 1>} : (tensor<2x3x4x!q>) -> tensor<2x1x4x!r>
  func.return %0 : tensor<2x1x4x!r>
}

// If there are none, the operand becomes a plane of one channel.
// CHECK-LABEL: func.func @amax
// CHECK-NEXT:    edge.reshape %x : {{.*}} -> tensor<1x2x12x1x!quant.uniform<i8:f32, 0.5:3>>
// CHECK-NEXT:    edge.max_pool2d {{.*}}kernel_size = array<i64: 1, 12>{{.*}} -> tensor<1x2x1x1x!quant.uniform<i8:f32, 0.5:3>>
func.func @amax(%x: tensor<2x3x4x!q>) -> tensor<2x1x1x!q> {
  %0 = edge.amax %x {dims = array<i64: 1, 2>} : (tensor<2x3x4x!q>) -> tensor<2x1x1x!q>
  func.return %0 : tensor<2x1x1x!q>
}

// Reduced dimensions that are not adjacent are made adjacent.
// CHECK-LABEL: func.func @apart
// CHECK-NEXT:    edge.permute %x {perm = array<i64: 1, 0, 2>}
// CHECK-NEXT:    edge.reshape {{.*}} -> tensor<1x3x8x1x!quant.uniform<i8:f32, 0.5:3>>
func.func @apart(%x: tensor<2x3x4x!q>) -> tensor<1x3x1x!q> {
  %0 = edge.amax %x {dims = array<i64: 0, 2>} : (tensor<2x3x4x!q>) -> tensor<1x3x1x!q>
  func.return %0 : tensor<1x3x1x!q>
}

// The least element of a row is one call of a portable kernel, and so are a few minima.
// CHECK-LABEL: func.func @amin
// CHECK-NEXT:    edge.amin %x
// CHECK-NEXT:    edge.amin %y
func.func @amin(%x: tensor<2x512x!q>, %y: tensor<4x2x!q>) -> (tensor<2x1x!q>, tensor<1x2x!q>) {
  %0 = edge.amin %x {dims = array<i64: 1>} : (tensor<2x512x!q>) -> tensor<2x1x!q>
  %1 = edge.amin %y {dims = array<i64: 0>} : (tensor<4x2x!q>) -> tensor<1x2x!q>
  func.return %0, %1 : tensor<2x1x!q>, tensor<1x2x!q>
}

// -x in steps of the same size about -1 - 3: each q becomes -1 - q, and none is out of range.
// CHECK-LABEL: func.func @amin_of_columns
// CHECK-NEXT:    edge.neg %x : {{.*}} -> tensor<512x2x!quant.uniform<i8:f32, 0.5:-4>>
// CHECK:         edge.max_pool2d
// CHECK:         edge.neg {{.*}} -> tensor<1x2x!quant.uniform<i8:f32, 0.5:3>>
func.func @amin_of_columns(%x: tensor<512x2x!q>) -> tensor<1x2x!q> {
  %0 = edge.amin %x {dims = array<i64: 0>} : (tensor<512x2x!q>) -> tensor<1x2x!q>
  func.return %0 : tensor<1x2x!q>
}

// CHECK-LABEL: func.func @sum
// CHECK:         arith.constant dense<1> : tensor<1x3xi8>
// CHECK:         edge.linear {{.*}} : (tensor<2x3x!quant.uniform<i8:f32, 0.5:3>>, tensor<1x3x!quant.uniform<i8:f32, 1.0>>) -> tensor<2x1x!quant.uniform<i8:f32, 0.25>>
func.func @sum(%x: tensor<2x3x!q>) -> tensor<2x1x!r> {
  %0 = edge.sum %x {dims = array<i64: 1>} : (tensor<2x3x!q>) -> tensor<2x1x!r>
  func.return %0 : tensor<2x1x!r>
}

// A pool counts 65,535 elements: a longer mean is a linear layer whose weights mean 1 / 65536.
// CHECK-LABEL: func.func @long_mean
// CHECK:         edge.linear {{.*}} : (tensor<2x65536x!quant.uniform<i8:f32, 0.5:3>>, tensor<1x65536x!quant.uniform<i8:f32, 1.52587890625e-05>>) -> tensor<2x1x!quant.uniform<i8:f32, 0.25>>
func.func @long_mean(%x: tensor<2x65536x!q>) -> tensor<2x1x!r> {
  %0 = edge.mean %x {dims = array<i64: 1>} : (tensor<2x65536x!q>) -> tensor<2x1x!r>
  func.return %0 : tensor<2x1x!r>
}

// A longer maximum is a maximum of maxima.
// CHECK-LABEL: func.func @long_amax
// CHECK:         edge.max_pool2d {{.*}}kernel_size = array<i64: 32768, 1>{{.*}} -> tensor<2x1x1x2x!quant.uniform<i8:f32, 0.5:3>>
// CHECK:         edge.max_pool2d {{.*}}kernel_size = array<i64: 1, 2>{{.*}} -> tensor<1x2x1x1x!quant.uniform<i8:f32, 0.5:3>>
func.func @long_amax(%x: tensor<2x65536x!q>) -> tensor<2x1x!q> {
  %0 = edge.amax %x {dims = array<i64: 1>} : (tensor<2x65536x!q>) -> tensor<2x1x!q>
  func.return %0 : tensor<2x1x!q>
}

// A float reduction has its own kernel.
// CHECK-LABEL: func.func @float
// CHECK-NEXT:    edge.mean %x
func.func @float(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %0 = edge.mean %x {dims = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  func.return %0 : tensor<2x1xf32>
}
