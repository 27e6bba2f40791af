// RUN: cm-opt %s -p 'convert-edge-to-cortex-m{kernels=cmopt},canonicalize,cse,dce' | filecheck %s

!q = !quant.uniform<i8:f32, 0.0625:-3>
!r = !quant.uniform<i8:f32, 0.5:7>
!a = !quant.uniform<i16:f32, 0.0009765625>
!w = !quant.uniform<i32:f32, 9.313225746154785e-10>

// epsilon is 4² · 2^-10 / 0.0625² = 4. Rows of 4 have n = 1, so that weight 1, which is 2 steps, is
// 2 · 2^(24 + 3 + 1). In the bias are a step for 0.5, the zero point 7 and half a step: 8.5 · 2^24.
// CHECK-LABEL: @norm
// CHECK-DAG:     %[[W:.*]] = arith.constant dense<[536870912, -268435456, 0, 268435456]> : tensor<4xi32>
// CHECK-DAG:     %[[B:.*]] = arith.constant dense<[142606336, 125829120, 125829120, 125829120]> : tensor<4xi32>
// CHECK:         cmopt.layer_norm %x weight %[[W]] bias %[[B]] {row = 4 : i32, centered = true, input_zero_point = -3 : i32, epsilon_multiplier = 1073741824 : i32, epsilon_shift = -28 : i32, fraction_bits = 24 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<2x4xi8>, tensor<4xi32>, tensor<4xi32>) -> tensor<2x4xi8>
func.func @norm(%x: tensor<2x4x!q>) -> tensor<2x4x!r> {
  %0 = arith.constant dense<[1073741824, -536870912, 0, 536870912]> : tensor<4xi32>
  %w = quant.scast %0 : tensor<4xi32> to tensor<4x!w>
  %1 = arith.constant dense<[536870912, 0, 0, 0]> : tensor<4xi32>
  %b = quant.scast %1 : tensor<4xi32> to tensor<4x!w>
  %2 = edge.layer_norm %x, %w, %b {inner_dims = 1 : i64, epsilon = 9.765625e-4 : f64, centered = true} : (tensor<2x4x!q>, tensor<4x!w>, tensor<4x!w>) -> tensor<2x4x!r>
  func.return %2 : tensor<2x4x!r>
}

// Parameters of equal elements, or none, have one entry. int16 and int8 may meet.
// CHECK-LABEL: @mixed
// CHECK-DAG:     %[[W:.*]] = arith.constant dense<536870912> : tensor<1xi32>
// CHECK-DAG:     %[[B:.*]] = arith.constant dense<125829120> : tensor<1xi32>
// CHECK:         cmopt.layer_norm %x weight %[[W]] bias %[[B]] {row = 12 : i32, centered = false, input_zero_point = 0 : i32, {{.*}} : (tensor<2x3x4xi16>, tensor<1xi32>, tensor<1xi32>) -> tensor<2x3x4xi8>
func.func @mixed(%x: tensor<2x3x4x!a>) -> tensor<2x3x4x!r> {
  %0 = arith.constant dense<536870912> : tensor<3x4xi32>
  %w = quant.scast %0 : tensor<3x4xi32> to tensor<3x4x!w>
  %1 = edge.layer_norm %x, %w {inner_dims = 2 : i64, epsilon = 1.0e-5 : f64, centered = false} : (tensor<2x3x4x!a>, tensor<3x4x!w>) -> tensor<2x3x4x!r>
  func.return %1 : tensor<2x3x4x!r>
}

// An epsilon of 0, and one so large that each result is the bias.
// CHECK-LABEL: @epsilons
// CHECK:         cmopt.layer_norm {{.*}}epsilon_multiplier = 0 : i32, epsilon_shift = 0 : i32
// CHECK:         cmopt.layer_norm {{.*}}epsilon_multiplier = 1073741824 : i32, epsilon_shift = 96 : i32
func.func @epsilons(%x: tensor<2x4x!q>) -> (tensor<2x4x!r>, tensor<2x4x!r>) {
  %0 = edge.layer_norm %x {inner_dims = 1 : i64, epsilon = 0.0 : f64, centered = true} : (tensor<2x4x!q>) -> tensor<2x4x!r>
  %1 = edge.layer_norm %x {inner_dims = 1 : i64, epsilon = 1.0e40 : f64, centered = true} : (tensor<2x4x!q>) -> tensor<2x4x!r>
  func.return %0, %1 : tensor<2x4x!r>, tensor<2x4x!r>
}
