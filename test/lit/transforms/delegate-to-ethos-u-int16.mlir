// RUN: cm-opt %s -p 'delegate-to-ethos-u{npu="ethos-u55-128"}' | filecheck %s

// Activations of int16, alone and mixed with int8.

!in = !quant.uniform<i16:f32, 1.0e-03>
!half = !quant.uniform<i16<-32767:32767>:f32, 2.0e-03>
!w = !quant.uniform<i8:f32:0, {0.5, 0.25}>
!b = !quant.uniform<i8:f32, 1.0e-01:3>

// A linear layer has 48-bit sums and factors of 15 bits. No clamp only keeps -32768 out.
// CHECK-LABEL: func.func @linear
func.func @linear(%x: tensor<2x3x!in>) -> tensor<2x2x!half> {
  %stored = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %w = quant.scast %stored : tensor<2x3xi8> to tensor<2x3x!w>
  // CHECK: tosa.conv2d {{.*}}acc_type = i48{{.*}} -> tensor<1x1x2x2xi48>
  // CHECK: tosa.rescale {{.*}}per_channel = true{{.*}}scale32 = false{{.*}} tensor<2xi16>{{.*}} -> tensor<1x1x2x2xi16>
  // CHECK-NOT: tosa.clamp
  %y = edge.linear %x, %w : (tensor<2x3x!in>, tensor<2x3x!w>) -> tensor<2x2x!half>
  func.return %y : tensor<2x2x!half>
}

// Operands with int16 have 15 bits below their last one.
// CHECK-LABEL: func.func @mixed_sum
func.func @mixed_sum(%x: tensor<4x!in>, %y: tensor<4x!b>) -> tensor<4x!in> {
  // CHECK: tosa.rescale {{.*}}(tensor<4xi16>, {{.*}} -> tensor<4xi32>
  // CHECK: tosa.rescale {{.*}}(tensor<4xi8>, {{.*}} -> tensor<4xi32>
  // CHECK: tosa.add
  // CHECK: tosa.rescale {{.*}} -> tensor<4xi16>
  %z = edge.add %x, %y : (tensor<4x!in>, tensor<4x!b>) -> tensor<4x!in>
  func.return %z : tensor<4x!in>
}

// A requantization is a product with 1: that is faster than a rescale alone.
// CHECK-LABEL: func.func @narrowed
func.func @narrowed(%x: tensor<4x!in>) -> tensor<4x!b> {
  // CHECK: tosa.mul {{.*}} : (tensor<4xi16>, tensor<1xi16>, tensor<1xi8>) -> tensor<4xi32>
  // CHECK: tosa.rescale {{.*}} -> tensor<4xi8>
  %real = quant.dcast %x : tensor<4x!in> to tensor<4xf32>
  %y = quant.qcast %real : tensor<4xf32> to tensor<4x!b>
  func.return %y : tensor<4x!b>
}

// A sign change needs no table.
// CHECK-LABEL: func.func @negated
func.func @negated(%x: tensor<4x!in>) -> tensor<4x!half> {
  // CHECK-NOT: tosa.table
  // CHECK: tosa.mul
  %y = edge.neg %x : (tensor<4x!in>) -> tensor<4x!half>
  func.return %y : tensor<4x!half>
}

// Slices of slices are one slice.
// CHECK-LABEL: func.func @sliced
func.func @sliced(%x: tensor<4x4x!in>) -> tensor<2x2x!in> {
  // CHECK: tosa.slice {{.*}} -> tensor<2x2xi16>
  %y = edge.slice %x {dim = 0 : i64, start = 1 : i64} : (tensor<4x4x!in>) -> tensor<2x4x!in>
  %z = edge.slice %y {dim = 1 : i64, start = 1 : i64} : (tensor<2x4x!in>) -> tensor<2x2x!in>
  %w = edge.relu %z : (tensor<2x2x!in>) -> tensor<2x2x!in>
  func.return %w : tensor<2x2x!in>
}

// A function is a table of 513 entries.
// CHECK-LABEL: func.func @function
func.func @function(%x: tensor<4x!in>) -> tensor<4x!half> {
  // CHECK: tosa.table {{.*}} : (tensor<4xi16>, tensor<513xi16>) -> tensor<4xi32>
  // CHECK: tosa.rescale {{.*}} -> tensor<4xi16>
  %y = edge.sigmoid %x : (tensor<4x!in>) -> tensor<4x!half>
  func.return %y : tensor<4x!half>
}
