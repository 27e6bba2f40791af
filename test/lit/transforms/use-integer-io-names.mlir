// RUN: cm-opt %s --pass-pipeline='builtin.module(use-integer-io{names="image"})' --split-input-file | filecheck %s

// Only the named input becomes integer, also behind a change of its memory order.
// CHECK-LABEL: @one
// CHECK-SAME:    (%x: tensor<1x2x3x4x!quant.uniform<i8:f32, 0.5>, #edge.dim_order<[0, 2, 3, 1]>> {edge.name = "image"}, %y: tensor<4xf32>) -> (tensor<1x2x3x4xf32>, tensor<4xf32>)
// CHECK-NEXT:    edge.to_dim_order %x
// CHECK-NEXT:    edge.sigmoid
// CHECK-NEXT:    quant.dcast
// CHECK-NEXT:    quant.qcast %y
func.func @one(%x: tensor<1x2x3x4xf32, #edge.dim_order<[0, 2, 3, 1]>> {edge.name = "image"}, %y: tensor<4xf32>) -> (tensor<1x2x3x4xf32>, tensor<4xf32>) {
  %m = edge.to_dim_order %x : (tensor<1x2x3x4xf32, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x2x3x4xf32>
  %0 = quant.qcast %m : tensor<1x2x3x4xf32> to tensor<1x2x3x4x!quant.uniform<i8:f32, 0.5>>
  %1 = edge.sigmoid %0 : (tensor<1x2x3x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x2x3x4x!quant.uniform<i8:f32, 0.25>>
  %2 = quant.dcast %1 : tensor<1x2x3x4x!quant.uniform<i8:f32, 0.25>> to tensor<1x2x3x4xf32>
  %3 = quant.qcast %y : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  %4 = edge.sigmoid %3 : (tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.25>>
  %5 = quant.dcast %4 : tensor<4x!quant.uniform<i8:f32, 0.25>> to tensor<4xf32>
  func.return %2, %5 : tensor<1x2x3x4xf32>, tensor<4xf32>
}
