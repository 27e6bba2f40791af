// RUN: cm-opt %s --pass-pipeline='builtin.module(materialize-dim-order)' --split-input-file | filecheck %s

// The border becomes row-major with an attribute, and the order changes in a permute inside.
// CHECK-LABEL: @both_ways
// CHECK-SAME:    (%x: tensor<1x4x5x3xf32> {edge.dim_order = array<i64: 0, 2, 3, 1>}) -> (tensor<1x4x5x3xf32> {edge.dim_order = array<i64: 0, 2, 3, 1>})
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x4x5x3xf32>) -> tensor<1x3x4x5xf32>
// CHECK-NEXT:    %1 = edge.relu %0
// CHECK-NEXT:    %2 = edge.permute %1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x4x5xf32>) -> tensor<1x4x5x3xf32>
// CHECK-NEXT:    func.return %2 : tensor<1x4x5x3xf32>
func.func @both_ways(%x: tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>> {
  %0 = edge.to_dim_order %x : (tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x3x4x5xf32>
  %1 = edge.relu %0 : (tensor<1x3x4x5xf32>) -> tensor<1x3x4x5xf32>
  %2 = edge.to_dim_order %1 : (tensor<1x3x4x5xf32>) -> tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>>
  func.return %2 : tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>>
}

// -----

// Only values with a memory order get the attribute; other attributes stay.
// CHECK-LABEL: @one_of_two
// CHECK-SAME:    (%x: tensor<4xf32> {edge.name = "x"}, %y: tensor<3x2xf32> {edge.name = "y", edge.dim_order = array<i64: 1, 0>}) -> (tensor<2x3xf32>, tensor<4xf32>)
func.func @one_of_two(%x: tensor<4xf32> {edge.name = "x"}, %y: tensor<2x3xf32, #edge.dim_order<[1, 0]>> {edge.name = "y"}) -> (tensor<2x3xf32>, tensor<4xf32>) {
  %0 = edge.to_dim_order %y : (tensor<2x3xf32, #edge.dim_order<[1, 0]>>) -> tensor<2x3xf32>
  func.return %0, %x : tensor<2x3xf32>, tensor<4xf32>
}

// -----

// From one order to another, and to the same.
// CHECK-LABEL: @between_orders
// CHECK-SAME:    (%x: tensor<4x2x3xf32> {edge.dim_order = array<i64: 2, 0, 1>}) -> (tensor<3x4x2xf32> {edge.dim_order = array<i64: 1, 2, 0>}, tensor<4x2x3xf32> {edge.dim_order = array<i64: 2, 0, 1>})
// CHECK-NEXT:    %0 = edge.permute %x {perm = array<i64: 2, 0, 1>} : (tensor<4x2x3xf32>) -> tensor<3x4x2xf32>
// CHECK-NEXT:    %1 = edge.permute %x {perm = array<i64: 0, 1, 2>}
// CHECK-NEXT:    func.return %0, %1
func.func @between_orders(%x: tensor<2x3x4xf32, #edge.dim_order<[2, 0, 1]>>) -> (tensor<2x3x4xf32, #edge.dim_order<[1, 2, 0]>>, tensor<2x3x4xf32, #edge.dim_order<[2, 0, 1]>>) {
  %0 = edge.to_dim_order %x : (tensor<2x3x4xf32, #edge.dim_order<[2, 0, 1]>>) -> tensor<2x3x4xf32, #edge.dim_order<[1, 2, 0]>>
  %1 = edge.to_dim_order %x : (tensor<2x3x4xf32, #edge.dim_order<[2, 0, 1]>>) -> tensor<2x3x4xf32, #edge.dim_order<[2, 0, 1]>>
  func.return %0, %1 : tensor<2x3x4xf32, #edge.dim_order<[1, 2, 0]>>, tensor<2x3x4xf32, #edge.dim_order<[2, 0, 1]>>
}

// -----

// An argument that is returned needs no op.
// CHECK-LABEL: @returned
// CHECK-SAME:    (%x: tensor<3x2xf32> {edge.dim_order = array<i64: 1, 0>}) -> (tensor<3x2xf32> {edge.dim_order = array<i64: 1, 0>})
// CHECK-NEXT:    func.return %x : tensor<3x2xf32>
func.func @returned(%x: tensor<2x3xf32, #edge.dim_order<[1, 0]>>) -> tensor<2x3xf32, #edge.dim_order<[1, 0]>> {
  func.return %x : tensor<2x3xf32, #edge.dim_order<[1, 0]>>
}

// -----

// A value that is not a tensor has no memory order.
// CHECK-LABEL: @shape
// CHECK-NEXT:    tosa.const_shape {values = dense<2> : tensor<1xindex>} : () -> !tosa.shape<1>
// CHECK-NEXT:    func.return %x : tensor<2xi8>
func.func @shape(%x: tensor<2xi8>) -> tensor<2xi8> {
  %0 = tosa.const_shape {values = dense<2> : tensor<1xindex>} : () -> !tosa.shape<1>
  func.return %x : tensor<2xi8>
}
