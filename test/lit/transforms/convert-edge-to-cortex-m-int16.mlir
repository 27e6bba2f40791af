// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m{kernels=cmopt},canonicalize,cse,dce)' --split-input-file --mlir-elide-elementsattrs-if-larger=16 | filecheck %s

// int16 becomes calls of this project's operators; int8 stays on the stock ones.

!a = !quant.uniform<i16:f32, 0.001>
!b = !quant.uniform<i16:f32, 0.002>
!q = !quant.uniform<i8:f32, 0.05:-3>

// CHECK-LABEL: @sum
// CHECK:         cmopt.quantized_add %{{.*}}, %{{.*}} {{.*}} : (tensor<2x3xi16>, tensor<2x3xi16>) -> tensor<2x3xi16>
func.func @sum(%x: tensor<2x3x!a>, %y: tensor<2x3x!b>) -> tensor<2x3x!b> {
  %0 = edge.add %x, %y : (tensor<2x3x!a>, tensor<2x3x!b>) -> tensor<2x3x!b>
  func.return %0 : tensor<2x3x!b>
}

// -----

!a = !quant.uniform<i16:f32, 0.001>
!q = !quant.uniform<i8:f32, 0.05:-3>

// An int8 operand becomes int16 first, in steps 1/128 as long, and an int8 result is rounded from such.

// CHECK-LABEL: @mixed
// CHECK:         %[[WIDE:.*]] = cmopt.requantize %{{.*}} {input_zero_point = -3 : i32, multiplier = 1073741824 : i32, shift = 8 : i32, output_zero_point = 0 : i32, {{.*}}} : (tensor<2x3xi8>) -> tensor<2x3xi16>
// CHECK:         %[[PRODUCT:.*]] = cmopt.quantized_mul %{{.*}}, %[[WIDE]]
// CHECK:         cmopt.requantize %[[PRODUCT]] {input_zero_point = 0 : i32, multiplier = 1073741824 : i32, shift = -6 : i32, output_zero_point = -3 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x3xi16>) -> tensor<2x3xi8>
func.func @mixed(%x: tensor<2x3x!a>, %y: tensor<2x3x!q>) -> tensor<2x3x!q> {
  %0 = edge.mul %x, %y : (tensor<2x3x!a>, tensor<2x3x!q>) -> tensor<2x3x!q>
  func.return %0 : tensor<2x3x!q>
}

// -----

!a = !quant.uniform<i16:f32, 0.001>
!p = !quant.uniform<i16:f32, 0.000030517578125>

// A function is a table, a clamp is a requantization.

// CHECK-LABEL: @functions
// CHECK:         cmopt.lookup %{{.*}} table %{{.*}} : (tensor<4xi16>, tensor<{{513|1282}}xi16>) -> tensor<4xi16>
// CHECK:         cmopt.requantize %{{.*}}activation_min = 0 : i32
func.func @functions(%x: tensor<4x!a>) -> (tensor<4x!p>, tensor<4x!a>) {
  %0 = edge.tanh %x : (tensor<4x!a>) -> tensor<4x!p>
  %1 = edge.relu %x : (tensor<4x!a>) -> tensor<4x!a>
  func.return %0, %1 : tensor<4x!p>, tensor<4x!a>
}

// -----

!a = !quant.uniform<i16:f32, 0.001>

// Moves need no operator of this project.

// CHECK-LABEL: @moves
// CHECK:         edge.call "aten.permute_copy.default"
// CHECK-NOT:     cmopt.
func.func @moves(%x: tensor<2x3x!a>) -> tensor<3x2x!a> {
  %0 = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<2x3x!a>) -> tensor<3x2x!a>
  func.return %0 : tensor<3x2x!a>
}
