// RUN: cm-opt %s --pass-pipeline='builtin.module(set-border-layouts{inputs="image=NHWC" outputs=NHWC})' --split-input-file | filecheck %s

// The shapes stay; the bytes are in another order.
// CHECK-LABEL: @both
// CHECK-SAME:    (%image: tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>> {edge.name = "image"}, %y: tensor<1x3x4x5xf32> {edge.name = "y"}, %v: tensor<2xf32>, %t: tensor<1x3x7xf32>) -> (tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>>, tensor<2xf32>, tensor<1x3x7xf32, #edge.dim_order<[0, 2, 1]>>)
// CHECK-NEXT:    %0 = edge.to_dim_order %image : (tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x3x4x5xf32>
// CHECK-NEXT:    %1 = edge.add %0, %y
// CHECK-NEXT:    %2 = edge.to_dim_order %1
// CHECK-NEXT:    %3 = edge.to_dim_order %t
// CHECK-NEXT:    func.return %2, %v, %3
func.func @both(%image: tensor<1x3x4x5xf32> {edge.name = "image"}, %y: tensor<1x3x4x5xf32> {edge.name = "y"}, %v: tensor<2xf32>, %t: tensor<1x3x7xf32>) -> (tensor<1x3x4x5xf32>, tensor<2xf32>, tensor<1x3x7xf32>) {
  %0 = edge.add %image, %y : (tensor<1x3x4x5xf32>, tensor<1x3x4x5xf32>) -> tensor<1x3x4x5xf32>
  func.return %0, %v, %t : tensor<1x3x4x5xf32>, tensor<2xf32>, tensor<1x3x7xf32>
}

// -----

// An order that is right already stays.
// CHECK-LABEL: @already
// CHECK-NEXT:    func.return %image
func.func @already(%image: tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>> {edge.name = "image"}) -> tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>> {
  func.return %image : tensor<1x3x4x5xf32, #edge.dim_order<[0, 2, 3, 1]>>
}
