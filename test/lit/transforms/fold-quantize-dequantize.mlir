// RUN: cm-opt %s --pass-pipeline='builtin.module(fold-quantize-dequantize)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-3>
!p = !quant.uniform<i8:f32, 0.25>
!w = !quant.uniform<i8:f32:0, {0.1, 0.2}>

// CHECK-LABEL: @unary
// CHECK-NEXT:    %0 = edge.sigmoid %x : (tensor<4x!quant.uniform<i8:f32, 0.5:-3>>) -> tensor<4x!quant.uniform<i8:f32, 0.25>>
// CHECK-NEXT:    func.return %0
func.func @unary(%x: tensor<4x!q>) -> tensor<4x!p> {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.sigmoid %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = quant.qcast %1 : tensor<4xf32> to tensor<4x!p>
  func.return %2 : tensor<4x!p>
}

// Several quantizations of one type become one op; the operand's dequantization has other users.
// CHECK-LABEL: @several_uses
// CHECK-NEXT:    %0 = quant.dcast %x
// CHECK-NEXT:    %1 = edge.mul %x, %x : (tensor<4x!quant.uniform<i8:f32, 0.5:-3>>, tensor<4x!quant.uniform<i8:f32, 0.5:-3>>) -> tensor<4x!quant.uniform<i8:f32, 0.25>>
// CHECK-NEXT:    func.return %0, %1, %1
func.func @several_uses(%x: tensor<4x!q>) -> (tensor<4xf32>, tensor<4x!p>, tensor<4x!p>) {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.mul %0, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = quant.qcast %1 : tensor<4xf32> to tensor<4x!p>
  %3 = quant.qcast %1 : tensor<4xf32> to tensor<4x!p>
  func.return %0, %2, %3 : tensor<4xf32>, tensor<4x!p>, tensor<4x!p>
}

// Two types, or a float user: the float result is needed.
// CHECK-LABEL: @two_types
// CHECK:         edge.relu %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    quant.qcast
// CHECK-NEXT:    quant.qcast
func.func @two_types(%x: tensor<4x!q>) -> (tensor<4x!q>, tensor<4x!p>) {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = quant.qcast %1 : tensor<4xf32> to tensor<4x!q>
  %3 = quant.qcast %1 : tensor<4xf32> to tensor<4x!p>
  func.return %2, %3 : tensor<4x!q>, tensor<4x!p>
}

// CHECK-LABEL: @float_use
// CHECK:         edge.relu %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    quant.qcast
func.func @float_use(%x: tensor<4x!q>) -> (tensor<4xf32>, tensor<4x!p>) {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = quant.qcast %1 : tensor<4xf32> to tensor<4x!p>
  func.return %1, %2 : tensor<4xf32>, tensor<4x!p>
}

// One operand is a float at run time.
// CHECK-LABEL: @float_operand
// CHECK:         edge.add %{{.*}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
func.func @float_operand(%x: tensor<4x!q>, %y: tensor<4xf32>) -> tensor<4x!p> {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.add %0, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = quant.qcast %1 : tensor<4xf32> to tensor<4x!p>
  func.return %2 : tensor<4x!p>
}

// A splat becomes one step of a new type.
// CHECK-LABEL: @splat
// CHECK-NEXT:    %c = arith.constant dense<-1> : tensor<1xi8>
// CHECK-NEXT:    %c_1 = quant.scast %c : tensor<1xi8> to tensor<1x!quant.uniform<i8:f32, 3.5>>
// CHECK-NEXT:    %0 = edge.add %x, %c_1
func.func @splat(%x: tensor<4x!q>) -> tensor<4x!p> {
  %c = arith.constant dense<-3.5> : tensor<1xf32>
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.add %0, %c : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %2 = quant.qcast %1 : tensor<4xf32> to tensor<4x!p>
  func.return %2 : tensor<4x!p>
}

// Any other constant would lose bits.
// CHECK-LABEL: @no_splat
// CHECK:         edge.add %{{.*}} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
func.func @no_splat(%x: tensor<2x!q>) -> tensor<2x!p> {
  %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = quant.dcast %x : tensor<2x!q> to tensor<2xf32>
  %1 = edge.add %0, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = quant.qcast %1 : tensor<2xf32> to tensor<2x!p>
  func.return %2 : tensor<2x!p>
}

// A float bias takes the accumulator's scale: input scale times weight scale, per channel.
// CHECK-LABEL: @bias
// CHECK-NEXT:    %b = arith.constant dense<[20, 10]> : tensor<2xi32>
// CHECK-NEXT:    %b_1 = quant.scast %b : tensor<2xi32> to tensor<2x!quant.uniform<i32:f32:0, {0.05, 0.1}>>
// CHECK-NEXT:    %0 = edge.linear %x, %w, %b_1
func.func @bias(%x: tensor<1x4x!q>, %w: tensor<2x4x!w>) -> tensor<1x2x!p> {
  %b = arith.constant dense<1.0> : tensor<2xf32>
  %0 = quant.dcast %x : tensor<1x4x!q> to tensor<1x4xf32>
  %1 = quant.dcast %w : tensor<2x4x!w> to tensor<2x4xf32>
  %2 = edge.linear %0, %1, %b : (tensor<1x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %3 = quant.qcast %2 : tensor<1x2xf32> to tensor<1x2x!p>
  func.return %3 : tensor<1x2x!p>
}

// A float weight is not quantized like a bias.
// CHECK-LABEL: @float_weight
// CHECK:         edge.linear %{{.*}} : (tensor<1x4xf32>, tensor<2x4xf32>) -> tensor<1x2xf32>
func.func @float_weight(%x: tensor<1x4x!q>) -> tensor<1x2x!p> {
  %w = arith.constant dense<1.0> : tensor<2x4xf32>
  %0 = quant.dcast %x : tensor<1x4x!q> to tensor<1x4xf32>
  %1 = edge.linear %0, %w : (tensor<1x4xf32>, tensor<2x4xf32>) -> tensor<1x2xf32>
  %2 = quant.qcast %1 : tensor<1x2xf32> to tensor<1x2x!p>
  func.return %2 : tensor<1x2x!p>
}

// Quantization moves before ops that only move bytes, and then folds.
// CHECK-LABEL: @hoist
// CHECK-NEXT:    %0 = edge.relu %x : (tensor<2x3x!quant.uniform<i8:f32, 0.5:-3>>) -> tensor<2x3x!quant.uniform<i8:f32, 0.25>>
// CHECK-NEXT:    %1 = edge.permute %0 {perm = array<i64: 1, 0>} : (tensor<2x3x!quant.uniform<i8:f32, 0.25>>) -> tensor<3x2x!quant.uniform<i8:f32, 0.25>>
// CHECK-NEXT:    %2 = edge.reshape %1 : (tensor<3x2x!quant.uniform<i8:f32, 0.25>>) -> tensor<6x!quant.uniform<i8:f32, 0.25>>
// CHECK-NEXT:    func.return %2
func.func @hoist(%x: tensor<2x3x!q>) -> tensor<6x!p> {
  %0 = quant.dcast %x : tensor<2x3x!q> to tensor<2x3xf32>
  %1 = edge.relu %0 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = edge.permute %1 {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %3 = edge.reshape %2 : (tensor<3x2xf32>) -> tensor<6xf32>
  %4 = quant.qcast %3 : tensor<6xf32> to tensor<6x!p>
  func.return %4 : tensor<6x!p>
}

// With a type per axis the qcast stays: a reshape may merge the axis.
// CHECK-LABEL: @hoist_per_axis
// CHECK-NEXT:    edge.reshape
// CHECK-NEXT:    quant.qcast
func.func @hoist_per_axis(%x: tensor<4xf32>) -> tensor<2x2x!w> {
  %0 = edge.reshape %x : (tensor<4xf32>) -> tensor<2x2xf32>
  %1 = quant.qcast %0 : tensor<2x2xf32> to tensor<2x2x!w>
  func.return %1 : tensor<2x2x!w>
}

// Ops that move bytes cannot requantize them.
// CHECK-LABEL: @movement_requantizes
// CHECK-NEXT:    edge.reshape %x : (tensor<4x!quant.uniform<i8:f32, 0.5:-3>>) -> tensor<2x2x!quant.uniform<i8:f32, 0.5:-3>>
// CHECK-NEXT:    quant.dcast
// CHECK-NEXT:    quant.qcast
// CHECK-NEXT:    quant.qcast
func.func @movement_requantizes(%x: tensor<4x!q>) -> (tensor<2x2x!p>, tensor<2x2x!p>) {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.reshape %0 : (tensor<4xf32>) -> tensor<2x2xf32>
  %2 = quant.qcast %1 : tensor<2x2xf32> to tensor<2x2x!p>
  %3 = quant.qcast %1 : tensor<2x2xf32> to tensor<2x2x!p>
  func.return %2, %3 : tensor<2x2x!p>, tensor<2x2x!p>
}
