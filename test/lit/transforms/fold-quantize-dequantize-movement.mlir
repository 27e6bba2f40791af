// RUN: cm-opt %s --pass-pipeline='builtin.module(fold-quantize-dequantize,canonicalize)' --split-input-file | filecheck %s

!a = !quant.uniform<i8:f32, 0.5:3>

// A quantizer without a rule for moveaxis leaves these casts around it.
// CHECK-LABEL: @permute
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4x!quant.uniform<i8:f32, 0.5:3>>) -> tensor<1x3x4x2x!quant.uniform<i8:f32, 0.5:3>>
// CHECK-NEXT:    func.return %0
func.func @permute(%x: tensor<1x2x3x4x!a>) -> tensor<1x3x4x2x!a> {
  %0 = quant.dcast %x : tensor<1x2x3x4x!a> to tensor<1x2x3x4xf32>
  %1 = edge.permute %0 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %2 = quant.qcast %1 : tensor<1x3x4x2xf32> to tensor<1x3x4x2x!a>
  func.return %2 : tensor<1x3x4x2x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>
!b = !quant.uniform<i8:f32, 0.25>

// With another quantization: one requantization, and the movement in integers.
// CHECK-LABEL: @requantizes
// CHECK-NEXT:    %0 = edge.permute %x {{.*}} -> tensor<3x2x!quant.uniform<i8:f32, 0.5:3>>
// CHECK-NEXT:    %1 = edge.reshape %0
// CHECK-NEXT:    %2 = quant.dcast %1
// CHECK-NEXT:    %3 = quant.qcast %2 : tensor<6xf32> to tensor<6x!quant.uniform<i8:f32, 0.25>>
// CHECK-NEXT:    func.return %3
func.func @requantizes(%x: tensor<2x3x!a>) -> tensor<6x!b> {
  %0 = quant.dcast %x : tensor<2x3x!a> to tensor<2x3xf32>
  %1 = edge.permute %0 {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = edge.reshape %1 : (tensor<3x2xf32>) -> tensor<6xf32>
  %3 = quant.qcast %2 : tensor<6xf32> to tensor<6x!b>
  func.return %3 : tensor<6x!b>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>
!b = !quant.uniform<i8:f32, 0.25>

// With two quantizations: one movement of the unchanged integers.
// CHECK-LABEL: @two_quantizations
// CHECK-NEXT:    %0 = edge.permute %x {{.*}} -> tensor<3x2x!quant.uniform<i8:f32, 0.5:3>>
// CHECK-NEXT:    %1 = quant.dcast %0
// CHECK-NEXT:    %2 = quant.qcast %1
// CHECK-NEXT:    func.return %2, %0
func.func @two_quantizations(%x: tensor<2x3x!a>) -> (tensor<3x2x!b>, tensor<3x2x!a>) {
  %0 = quant.dcast %x : tensor<2x3x!a> to tensor<2x3xf32>
  %1 = edge.permute %0 {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = quant.qcast %1 : tensor<3x2xf32> to tensor<3x2x!b>
  %3 = quant.qcast %1 : tensor<3x2xf32> to tensor<3x2x!a>
  func.return %2, %3 : tensor<3x2x!b>, tensor<3x2x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// Before a float op, one byte is moved instead of four.
// CHECK-LABEL: @float_user
// CHECK-NEXT:    %0 = edge.permute %x
// CHECK-NEXT:    %1 = quant.dcast %0
// CHECK-NEXT:    edge.round %1
func.func @float_user(%x: tensor<2x3x!a>) -> tensor<3x2xf32> {
  %0 = quant.dcast %x : tensor<2x3x!a> to tensor<2x3xf32>
  %1 = edge.permute %0 {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = edge.round %1 : (tensor<3x2xf32>) -> tensor<3x2xf32>
  func.return %2 : tensor<3x2xf32>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// A pad with a value that the type does not hold stays in float.
// CHECK-LABEL: @pad
// CHECK-NEXT:    quant.dcast
// CHECK-NEXT:    edge.pad
func.func @pad(%x: tensor<2x3x!a>) -> tensor<3x3xf32> {
  %0 = quant.dcast %x : tensor<2x3x!a> to tensor<2x3xf32>
  %1 = edge.pad %0 {low = array<i64: 1, 0>, high = array<i64: 0, 0>, value = 0.3 : f32} : (tensor<2x3xf32>) -> tensor<3x3xf32>
  func.return %1 : tensor<3x3xf32>
}
