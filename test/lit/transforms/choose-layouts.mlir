// RUN: cm-opt %s --pass-pipeline='builtin.module(choose-layouts,fold-inverse-permutes,cse,dce)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!a = !quant.uniform<i8:f32:0, {0.1, 0.2, 0.3}>
!a3 = !quant.uniform<i8:f32:3, {0.1, 0.2, 0.3}>

// Permutes pass elementwise ops; inverse permutes that meet cancel.
// CHECK-LABEL: @unary
// CHECK-NEXT:    %0 = edge.sigmoid %x : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT:    %1 = quant.qcast %0 : tensor<2x3x4xf32> to tensor<2x3x4x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %2 = edge.clamp %1 {min = 0.000000e+00 : f64}
// CHECK-NEXT:    func.return %2
func.func @unary(%x: tensor<2x3x4xf32>) -> tensor<2x3x4x!q> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = edge.sigmoid %0 : (tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  %2 = quant.qcast %1 : tensor<4x2x3xf32> to tensor<4x2x3x!q>
  %3 = edge.clamp %2 {min = 0.0 : f64} : (tensor<4x2x3x!q>) -> tensor<4x2x3x!q>
  %4 = edge.permute %3 {perm = array<i64: 1, 2, 0>} : (tensor<4x2x3x!q>) -> tensor<2x3x4x!q>
  func.return %4 : tensor<2x3x4x!q>
}

// Instead of both operands of a binary op, its result is permuted, once.
// CHECK-LABEL: @fewer
// CHECK-NEXT:    %0 = edge.mul %x, %y
// CHECK-NEXT:    %1 = edge.permute %0 {perm = array<i64: 2, 0, 1>}
// CHECK-NEXT:    func.return %1
func.func @fewer(%x: tensor<2x3x4x!q>, %y: tensor<2x3x4x!q>) -> tensor<4x2x3x!q> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4x!q>) -> tensor<4x2x3x!q>
  %1 = edge.permute %y {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4x!q>) -> tensor<4x2x3x!q>
  %2 = edge.mul %0, %1 : (tensor<4x2x3x!q>, tensor<4x2x3x!q>) -> tensor<4x2x3x!q>
  func.return %2 : tensor<4x2x3x!q>
}

// Bytes count, not elements: int8 is permuted instead of float32, before or after the op.
// CHECK-LABEL: @after_quantization
// CHECK-NEXT:    %0 = quant.qcast %x
// CHECK-NEXT:    %1 = edge.permute %0
func.func @after_quantization(%x: tensor<2x3x4xf32>) -> tensor<4x2x3x!q> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = quant.qcast %0 : tensor<4x2x3xf32> to tensor<4x2x3x!q>
  func.return %1 : tensor<4x2x3x!q>
}
// CHECK-LABEL: @before_dequantization
// CHECK-NEXT:    %0 = edge.permute %x
// CHECK-NEXT:    %1 = quant.dcast %0
func.func @before_dequantization(%x: tensor<2x3x4x!q>) -> tensor<4x2x3xf32> {
  %0 = quant.dcast %x : tensor<2x3x4x!q> to tensor<2x3x4xf32>
  %1 = edge.permute %0 {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  func.return %1 : tensor<4x2x3xf32>
}

// A slice is permuted instead of the whole tensor.
// CHECK-LABEL: @part
// CHECK-NEXT:    %0 = edge.slice %x {dim = 0 : i64, start = 1 : i64} : (tensor<8x3x4x!quant.uniform<i8:f32, 0.1>>) -> tensor<2x3x4x
// CHECK-NEXT:    %1 = edge.permute %0 {perm = array<i64: 2, 0, 1>}
func.func @part(%x: tensor<8x3x4x!q>) -> tensor<4x2x3x!q> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<8x3x4x!q>) -> tensor<4x8x3x!q>
  %1 = edge.slice %0 {dim = 1 : i64, start = 1 : i64} : (tensor<4x8x3x!q>) -> tensor<4x2x3x!q>
  func.return %1 : tensor<4x2x3x!q>
}

// The cat is done in the layout in which it appends ranges of bytes, and its result is permuted.
// CHECK-LABEL: @joined
// CHECK-NEXT:    %0 = edge.cat %x, %y {dim = 0 : i64}
// CHECK-NEXT:    %1 = edge.permute %0 {perm = array<i64: 2, 0, 1>}
func.func @joined(%x: tensor<2x3x4x!q>, %y: tensor<2x3x4x!q>) -> tensor<4x4x3x!q> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4x!q>) -> tensor<4x2x3x!q>
  %1 = edge.permute %y {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4x!q>) -> tensor<4x2x3x!q>
  %2 = edge.cat %0, %1 {dim = 1 : i64} : (tensor<4x2x3x!q>, tensor<4x2x3x!q>) -> tensor<4x4x3x!q>
  func.return %2 : tensor<4x4x3x!q>
}

// A reshape keeps the bytes: permutes pass it if its dimensions stay together.
// CHECK-LABEL: @reshaped
// CHECK-NEXT:    %0 = edge.reshape %x : (tensor<2x3x4x{{.*}}) -> tensor<6x4x
// CHECK-NEXT:    %1 = edge.relu %0
// CHECK-NEXT:    func.return %1
func.func @reshaped(%x: tensor<2x3x4x!q>) -> tensor<6x4x!q> {
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4x!q>) -> tensor<4x2x3x!q>
  %1 = edge.reshape %0 : (tensor<4x2x3x!q>) -> tensor<4x6x!q>
  %2 = edge.relu %1 : (tensor<4x6x!q>) -> tensor<4x6x!q>
  %3 = edge.permute %2 {perm = array<i64: 1, 0>} : (tensor<4x6x!q>) -> tensor<6x4x!q>
  func.return %3 : tensor<6x4x!q>
}

// Not if the bytes of one dimension would be separated.
// CHECK-LABEL: @reshape_stays
// CHECK-NEXT:    %0 = edge.permute %x
// CHECK-NEXT:    %1 = edge.reshape %0
// CHECK-NEXT:    %2 = edge.permute %1
func.func @reshape_stays(%x: tensor<6x4x!q>) -> tensor<3x8x!q> {
  %0 = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<6x4x!q>) -> tensor<4x6x!q>
  %1 = edge.reshape %0 : (tensor<4x6x!q>) -> tensor<8x3x!q>
  %2 = edge.permute %1 {perm = array<i64: 1, 0>} : (tensor<8x3x!q>) -> tensor<3x8x!q>
  func.return %2 : tensor<3x8x!q>
}

// Two readers in the same other layout share one copy.
// CHECK-LABEL: @shared
// CHECK-COUNT-1: edge.permute
// CHECK-NOT:     edge.permute
func.func @shared(%x: tensor<2x3x!q>) -> (tensor<3x2x!q>, tensor<3x2x!q>) {
  %0 = edge.relu %x : (tensor<2x3x!q>) -> tensor<2x3x!q>
  %1 = edge.permute %0 {perm = array<i64: 1, 0>} : (tensor<2x3x!q>) -> tensor<3x2x!q>
  %2 = edge.permute %0 {perm = array<i64: 1, 0>} : (tensor<2x3x!q>) -> tensor<3x2x!q>
  func.return %1, %2 : tensor<3x2x!q>, tensor<3x2x!q>
}

// The rows of a linear layer may be in any order; its columns may not.
// CHECK-LABEL: @rows
// CHECK-NEXT:    %0 = edge.linear %x, %w : (tensor<2x3x4x
// CHECK-NEXT:    func.return %0
func.func @rows(%x: tensor<2x3x4x!q>, %w: tensor<4x4x!q>) -> tensor<2x3x4x!q> {
  %0 = edge.permute %x {perm = array<i64: 1, 0, 2>} : (tensor<2x3x4x!q>) -> tensor<3x2x4x!q>
  %1 = edge.linear %0, %w : (tensor<3x2x4x!q>, tensor<4x4x!q>) -> tensor<3x2x4x!q>
  %2 = edge.permute %1 {perm = array<i64: 1, 0, 2>} : (tensor<3x2x4x!q>) -> tensor<2x3x4x!q>
  func.return %2 : tensor<2x3x4x!q>
}

// Flattened in front of a linear layer, any order is possible: its weights are permuted.
// CHECK-LABEL: @flattened
// CHECK:         %0 = edge.relu %x
// CHECK-NEXT:    %w = arith.constant dense<{{\[\[}}1, 4, 2, 5, 3, 6]]>
// CHECK:         %1 = edge.reshape %0
// CHECK-NEXT:    %2 = edge.linear %1
func.func @flattened(%x: tensor<1x3x2x!q>) -> tensor<1x1x!q> {
  %c = arith.constant dense<[[1, 2, 3, 4, 5, 6]]> : tensor<1x6xi8>
  %w = quant.scast %c : tensor<1x6xi8> to tensor<1x6x!q>
  %0 = edge.permute %x {perm = array<i64: 0, 2, 1>} : (tensor<1x3x2x!q>) -> tensor<1x2x3x!q>
  %1 = edge.relu %0 : (tensor<1x2x3x!q>) -> tensor<1x2x3x!q>
  %2 = edge.reshape %1 : (tensor<1x2x3x!q>) -> tensor<1x6x!q>
  %3 = edge.linear %2, %w : (tensor<1x6x!q>, tensor<1x6x!q>) -> tensor<1x1x!q>
  func.return %3 : tensor<1x1x!q>
}

// A quantized axis would have to move.
// CHECK-LABEL: @qcast_per_axis
// CHECK-NEXT:    %0 = edge.permute
// CHECK-NEXT:    %1 = quant.qcast %0
func.func @qcast_per_axis(%x: tensor<2x3xf32>) -> tensor<3x2x!a> {
  %0 = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = quant.qcast %0 : tensor<3x2xf32> to tensor<3x2x!a>
  func.return %1 : tensor<3x2x!a>
}

// A constant is permuted at compile time, at full rank and in the inverse direction.
// CHECK-LABEL: @binary_with_constant
// CHECK-NEXT:    %c = arith.constant dense<{{.*}}1.000000e+00], [2.000000e+00], [3.000000e+00{{.*}}> : tensor<1x3x1xf32>
// CHECK-NEXT:    %0 = edge.add %x, %c : (tensor<2x3x4xf32>, tensor<1x3x1xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT:    func.return %0
func.func @binary_with_constant(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %c = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = edge.add %0, %c : (tensor<4x2x3xf32>, tensor<3xf32>) -> tensor<4x2x3xf32>
  %2 = edge.permute %1 {perm = array<i64: 1, 2, 0>} : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  func.return %2 : tensor<2x3x4xf32>
}

// A broadcast operand gets the same layout.
// CHECK-LABEL: @broadcast
// CHECK-NEXT:    %0 = edge.reshape %y : (tensor<3x1x{{.*}}) -> tensor<1x3x1x
// CHECK-NEXT:    %1 = edge.mul %x, %0
// CHECK-NEXT:    func.return %1
func.func @broadcast(%x: tensor<4x3x2x!q>, %y: tensor<3x1x!q>) -> tensor<4x3x2x!q> {
  %0 = edge.permute %x {perm = array<i64: 2, 1, 0>} : (tensor<4x3x2x!q>) -> tensor<2x3x4x!q>
  %1 = edge.mul %0, %y : (tensor<2x3x4x!q>, tensor<3x1x!q>) -> tensor<2x3x4x!q>
  %2 = edge.permute %1 {perm = array<i64: 2, 1, 0>} : (tensor<2x3x4x!q>) -> tensor<4x3x2x!q>
  func.return %2 : tensor<4x3x2x!q>
}

// A quantized axis stays where it is.
// CHECK-LABEL: @binary_per_axis
// CHECK:         %p = edge.permute %x
// CHECK-NEXT:    %0 = edge.mul %p, %a
// CHECK-NEXT:    %1 = edge.mul %p, %p
// CHECK-NEXT:    func.return %0, %1
func.func @binary_per_axis(%x: tensor<1x3x2x2x!q>) -> (tensor<1x2x2x3x!q>, tensor<1x2x2x3x!a3>) {
  %c = arith.constant dense<[1, 2, 3]> : tensor<3xi8>
  %a = quant.scast %c : tensor<3xi8> to tensor<3x!a>
  %p = edge.permute %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x2x2x!q>) -> tensor<1x2x2x3x!q>
  %0 = edge.mul %p, %a : (tensor<1x2x2x3x!q>, tensor<3x!a>) -> tensor<1x2x2x3x!q>
  %1 = edge.mul %p, %p : (tensor<1x2x2x3x!q>, tensor<1x2x2x3x!q>) -> tensor<1x2x2x3x!a3>
  func.return %0, %1 : tensor<1x2x2x3x!q>, tensor<1x2x2x3x!a3>
}

