// RUN: cm-opt %s --pass-pipeline='builtin.module(canonicalize)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!axis0 = !quant.uniform<i8:f32:0, {0.1, 0.2}>
!axis1 = !quant.uniform<i8:f32:1, {0.1, 0.2}>

// CHECK-LABEL: @identity
// CHECK-NEXT:    func.return %x, %x, %x :
func.func @identity(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = edge.reshape %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = edge.permute %x {perm = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = edge.to_dim_order %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0, %1, %2 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// Equal types do not make a transpose an identity.
// CHECK-LABEL: @square_transpose
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 1, 0>}
// CHECK-NEXT:    func.return %0
func.func @square_transpose(%x: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %0 = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  func.return %0 : tensor<3x3xf32>
}

// CHECK-LABEL: @memory_order
// CHECK-NEXT:    %0 = edge.to_dim_order %x
// CHECK-NEXT:    func.return %0
func.func @memory_order(%x: tensor<2x3xf32>) -> tensor<2x3xf32, #edge.dim_order<[1, 0]>> {
  %0 = edge.to_dim_order %x : (tensor<2x3xf32>) -> tensor<2x3xf32, #edge.dim_order<[1, 0]>>
  func.return %0 : tensor<2x3xf32, #edge.dim_order<[1, 0]>>
}

// CHECK-LABEL: @reshapes
// CHECK-NEXT:    %0 = edge.reshape %x : (tensor<2x6xf32>) -> tensor<12xf32>
// CHECK-NEXT:    func.return %0
func.func @reshapes(%x: tensor<2x6xf32>) -> tensor<12xf32> {
  %0 = edge.reshape %x : (tensor<2x6xf32>) -> tensor<3x4xf32>
  %1 = edge.reshape %0 : (tensor<3x4xf32>) -> tensor<12xf32>
  func.return %1 : tensor<12xf32>
}

// CHECK-LABEL: @reshape_and_back
// CHECK-NEXT:    func.return %x :
func.func @reshape_and_back(%x: tensor<2x6xf32>) -> tensor<2x6xf32> {
  %0 = edge.reshape %x : (tensor<2x6xf32>) -> tensor<3x4xf32>
  %1 = edge.reshape %0 : (tensor<3x4xf32>) -> tensor<2x6xf32>
  func.return %1 : tensor<2x6xf32>
}

// The first reshape stays for its other users.
// CHECK-LABEL: @reshapes_several_uses
// CHECK-NEXT:    %0 = edge.reshape %x : (tensor<2x6xf32>) -> tensor<3x4xf32>
// CHECK-NEXT:    %1 = edge.reshape %x : (tensor<2x6xf32>) -> tensor<12xf32>
// CHECK-NEXT:    func.return %0, %1
func.func @reshapes_several_uses(%x: tensor<2x6xf32>) -> (tensor<3x4xf32>, tensor<12xf32>) {
  %0 = edge.reshape %x : (tensor<2x6xf32>) -> tensor<3x4xf32>
  %1 = edge.reshape %0 : (tensor<3x4xf32>) -> tensor<12xf32>
  func.return %0, %1 : tensor<3x4xf32>, tensor<12xf32>
}

// The composition is (p ∘ q)[i] = p[q[i]]; q ∘ p would give another shape.
// CHECK-LABEL: @permutes
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x3x4x5xf32>) -> tensor<2x4x3x5xf32>
// CHECK-NEXT:    func.return %0
func.func @permutes(%x: tensor<2x3x4x5xf32>) -> tensor<2x4x3x5xf32> {
  %0 = edge.permute %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<2x3x4x5xf32>) -> tensor<2x4x5x3xf32>
  %1 = edge.permute %0 {perm = array<i64: 0, 1, 3, 2>} : (tensor<2x4x5x3xf32>) -> tensor<2x4x3x5xf32>
  func.return %1 : tensor<2x4x3x5xf32>
}

// CHECK-LABEL: @permute_and_back
// CHECK-NEXT:    func.return %x :
func.func @permute_and_back(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = edge.permute %x {perm = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = edge.permute %0 {perm = array<i64: 2, 0, 1>} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  func.return %1 : tensor<2x3x4xf32>
}

// If only dimensions of size 1 move, no byte moves.
// CHECK-LABEL: @unit_dimensions
// CHECK-NEXT:    %0 = edge.reshape %x : (tensor<1x3x1x5xf32>) -> tensor<3x1x5x1xf32>
// CHECK-NEXT:    func.return %0
func.func @unit_dimensions(%x: tensor<1x3x1x5xf32>) -> tensor<3x1x5x1xf32> {
  %0 = edge.permute %x {perm = array<i64: 1, 0, 3, 2>} : (tensor<1x3x1x5xf32>) -> tensor<3x1x5x1xf32>
  func.return %0 : tensor<3x1x5x1xf32>
}

// CHECK-LABEL: @not_only_unit_dimensions
// CHECK-NEXT:    %0 = edge.permute
func.func @not_only_unit_dimensions(%x: tensor<1x3x1x5xf32>) -> tensor<5x1x3x1xf32> {
  %0 = edge.permute %x {perm = array<i64: 3, 0, 1, 2>} : (tensor<1x3x1x5xf32>) -> tensor<5x1x3x1xf32>
  func.return %0 : tensor<5x1x3x1xf32>
}

// CHECK-LABEL: @constants
// CHECK-NEXT:    %c = arith.constant dense<{{\[\[}}1.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]> : tensor<3x2xf32>
// CHECK-NEXT:    %c_1 = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00]> : tensor<6xf32>
// CHECK-NEXT:    func.return %c, %c_1
func.func @constants() -> (tensor<3x2xf32>, tensor<6xf32>) {
  %c = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %0 = edge.permute %c {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = edge.reshape %c : (tensor<2x3xf32>) -> tensor<6xf32>
  func.return %0, %1 : tensor<3x2xf32>, tensor<6xf32>
}

// Constants of any element type keep it.
// CHECK-LABEL: @constant_types
// CHECK-NEXT:    arith.constant dense<{{\[\[}}true], [false]]> : tensor<2x1xi1>
// CHECK-NEXT:    arith.constant dense<{{\[\[}}1.000000e+00], [2.000000e+00]]> : tensor<2x1xf64>
// CHECK-NEXT:    arith.constant dense<{{\[\[}}1], [2]]> : tensor<2x1xi64>
func.func @constant_types() -> (tensor<2x1xi1>, tensor<2x1xf64>, tensor<2x1xi64>) {
  %a = arith.constant dense<[true, false]> : tensor<2xi1>
  %b = arith.constant dense<[1.0, 2.0]> : tensor<2xf64>
  %c = arith.constant dense<[1, 2]> : tensor<2xi64>
  %0 = edge.reshape %a : (tensor<2xi1>) -> tensor<2x1xi1>
  %1 = edge.reshape %b : (tensor<2xf64>) -> tensor<2x1xf64>
  %2 = edge.reshape %c : (tensor<2xi64>) -> tensor<2x1xi64>
  func.return %0, %1, %2 : tensor<2x1xi1>, tensor<2x1xf64>, tensor<2x1xi64>
}

// The axis of a quantized constant moves with its dimension.
// CHECK-LABEL: @constant_per_axis
// CHECK-NEXT:    %0 = arith.constant dense<{{\[\[}}1, 4], [2, 5], [3, 6]]> : tensor<3x2xi8>
// CHECK-NEXT:    %1 = quant.scast %0 : tensor<3x2xi8> to tensor<3x2x!quant.uniform<i8:f32:1, {0.1, 0.2}>>
// CHECK-NEXT:    func.return %1
func.func @constant_per_axis() -> tensor<3x2x!axis1> {
  %c = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %0 = quant.scast %c : tensor<2x3xi8> to tensor<2x3x!axis0>
  %1 = edge.permute %0 {perm = array<i64: 1, 0>} : (tensor<2x3x!axis0>) -> tensor<3x2x!axis1>
  func.return %1 : tensor<3x2x!axis1>
}

// With a type per axis the reshape stays: it may say which dimension the axis is.
// CHECK-LABEL: @per_axis
// CHECK-NEXT:    %0 = edge.reshape %x
// CHECK-NEXT:    %1 = edge.reshape %0
// CHECK-NEXT:    %2 = edge.permute %y {perm = array<i64: 1, 0>}
// CHECK-NEXT:    func.return %1, %2
func.func @per_axis(%x: tensor<2x6x!axis0>, %y: tensor<2x1x!axis0>) -> (tensor<2x2x3x!axis0>, tensor<1x2x!axis1>) {
  %0 = edge.reshape %x : (tensor<2x6x!axis0>) -> tensor<2x3x2x!axis0>
  %1 = edge.reshape %0 : (tensor<2x3x2x!axis0>) -> tensor<2x2x3x!axis0>
  %2 = edge.permute %y {perm = array<i64: 1, 0>} : (tensor<2x1x!axis0>) -> tensor<1x2x!axis1>
  func.return %1, %2 : tensor<2x2x3x!axis0>, tensor<1x2x!axis1>
}

// int8 moves, not float32.
// CHECK-LABEL: @move_dequantized
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<2x3x!quant.uniform<i8:f32, 0.1>>) -> tensor<3x2x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %1 = edge.reshape %0 : (tensor<3x2x!quant.uniform<i8:f32, 0.1>>) -> tensor<6x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %2 = quant.dcast %1 : tensor<6x!quant.uniform<i8:f32, 0.1>> to tensor<6xf32>
// CHECK-NEXT:    func.return %2
func.func @move_dequantized(%x: tensor<2x3x!q>) -> tensor<6xf32> {
  %0 = quant.dcast %x : tensor<2x3x!q> to tensor<2x3xf32>
  %1 = edge.permute %0 {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = edge.reshape %1 : (tensor<3x2xf32>) -> tensor<6xf32>
  func.return %2 : tensor<6xf32>
}

// With a type per axis the dcast stays: the reshape may merge the axis.
// CHECK-LABEL: @move_dequantized_per_axis
// CHECK-NEXT:    %0 = quant.dcast %x
// CHECK-NEXT:    %1 = edge.reshape %0
// CHECK-NEXT:    func.return %1
func.func @move_dequantized_per_axis(%x: tensor<2x3x!axis0>) -> tensor<6xf32> {
  %0 = quant.dcast %x : tensor<2x3x!axis0> to tensor<2x3xf32>
  %1 = edge.reshape %0 : (tensor<2x3xf32>) -> tensor<6xf32>
  func.return %1 : tensor<6xf32>
}
