// RUN: cm-opt %s --pass-pipeline='builtin.module(use-integer-io)' --split-input-file | filecheck %s

// CHECK-LABEL: @border
// CHECK-SAME:    (%x: tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.25>>
// CHECK-NEXT:    %0 = edge.sigmoid %x
// CHECK-NEXT:    func.return %0
func.func @border(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  %1 = edge.sigmoid %0 : (tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.25>>
  %2 = quant.dcast %1 : tensor<4x!quant.uniform<i8:f32, 0.25>> to tensor<4xf32>
  func.return %2 : tensor<4xf32>
}

// -----

// The same quantization twice is one argument; a result may be returned twice and used inside.
// CHECK-LABEL: @several_uses
// CHECK-SAME:    (%x: tensor<4x!quant.uniform<i8:f32, 0.5>>) -> (tensor<4x!quant.uniform<i8:f32, 0.5>>, tensor<4x!quant.uniform<i8:f32, 0.5>>)
// CHECK-NEXT:    %0 = edge.mul %x, %x
// CHECK-NEXT:    %1 = quant.dcast %0
// CHECK-NEXT:    "test.op"(%1)
// CHECK-NEXT:    func.return %0, %0
func.func @several_uses(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  %1 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  %2 = edge.mul %0, %1 : (tensor<4x!quant.uniform<i8:f32, 0.5>>, tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>>
  %3 = quant.dcast %2 : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  "test.op"(%3) : (tensor<4xf32>) -> ()
  func.return %3, %3 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A memory order stays on the border, with int8 in it.
// CHECK-LABEL: @memory_order
// CHECK-SAME:    (%x: tensor<1x3x2x2x!quant.uniform<i8:f32, 0.5>, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x3x2x2x!quant.uniform<i8:f32, 0.5>, #edge.dim_order<[0, 2, 3, 1]>>
// CHECK-NEXT:    %0 = edge.to_dim_order %x
// CHECK-NEXT:    %1 = edge.relu %0
// CHECK-NEXT:    %2 = edge.to_dim_order %1
// CHECK-NEXT:    func.return %2
func.func @memory_order(%x: tensor<1x3x2x2xf32, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x3x2x2xf32, #edge.dim_order<[0, 2, 3, 1]>> {
  %0 = edge.to_dim_order %x : (tensor<1x3x2x2xf32, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x3x2x2xf32>
  %1 = quant.qcast %0 : tensor<1x3x2x2xf32> to tensor<1x3x2x2x!quant.uniform<i8:f32, 0.5>>
  %2 = edge.relu %1 : (tensor<1x3x2x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x3x2x2x!quant.uniform<i8:f32, 0.5>>
  %3 = quant.dcast %2 : tensor<1x3x2x2x!quant.uniform<i8:f32, 0.5>> to tensor<1x3x2x2xf32>
  %4 = edge.to_dim_order %3 : (tensor<1x3x2x2xf32>) -> tensor<1x3x2x2xf32, #edge.dim_order<[0, 2, 3, 1]>>
  func.return %4 : tensor<1x3x2x2xf32, #edge.dim_order<[0, 2, 3, 1]>>
}

// -----

// Integer arguments stay, and an unused argument needs no type.
// CHECK-LABEL: @integers
// CHECK-SAME:    (%i: tensor<4xi64>, %unused: tensor<4xf32>) -> tensor<4xi64>
func.func @integers(%i: tensor<4xi64>, %unused: tensor<4xf32>) -> tensor<4xi64> {
  %0 = edge.call "aten.neg.default"(%i) {arguments = [#edge.operand<0>]} : (tensor<4xi64>) -> tensor<4xi64>
  func.return %0 : tensor<4xi64>
}
