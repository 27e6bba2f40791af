// RUN: cm-opt %s -p 'quantize-state,fold-quantize-dequantize,canonicalize,cse' --split-input-file | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:3>

// A ring buffer of which all that reads it quantizes it alike is kept in integers.
// CHECK-LABEL: @ring
// CHECK-SAME:    %h: tensor<3x2x!quant.uniform<i8:f32, 0.5:3>> {edge.name = "h", edge.initial_value = dense<5> : tensor<3x2xi8>}
// CHECK-NEXT:    %[[X:.*]] = quant.qcast %x
// CHECK-NEXT:    %[[ALL:.*]] = edge.cat %h, %[[X]]
// CHECK-NEXT:    %[[KEPT:.*]] = edge.slice %h {dim = 0 : i64, start = 1 : i64}
// CHECK-NEXT:    %[[NEW:.*]] = edge.cat %[[KEPT]], %[[X]]
// CHECK-NEXT:    func.return %[[ALL]], %[[NEW]]
func.func @ring(%x: tensor<1x2xf32>, %h: tensor<3x2xf32> {edge.name = "h", edge.initial_value = dense<1.0> : tensor<3x2xf32>}) -> (tensor<4x2x!q>, tensor<3x2xf32> {edge.next_value_of = "h"}) {
  %all = edge.cat %h, %x {dim = 0 : i64} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<4x2xf32>
  %new = edge.slice %all {dim = 0 : i64, start = 1 : i64} : (tensor<4x2xf32>) -> tensor<3x2xf32>
  %q = quant.qcast %all : tensor<4x2xf32> to tensor<4x2x!q>
  func.return %q, %new : tensor<4x2x!q>, tensor<3x2xf32>
}

// -----

!q = !quant.uniform<i8:f32, 0.5>

// A state that is also read as a float stays one.
// CHECK-LABEL: @float
// CHECK-SAME:    %h: tensor<2xf32> {edge.name = "h"
func.func @float(%h: tensor<2xf32> {edge.name = "h", edge.initial_value = dense<0.0> : tensor<2xf32>}) -> (tensor<2x!q>, tensor<2xf32> {edge.next_value_of = "h"}) {
  %q = quant.qcast %h : tensor<2xf32> to tensor<2x!q>
  %new = edge.neg %h : (tensor<2xf32>) -> tensor<2xf32>
  func.return %q, %new : tensor<2x!q>, tensor<2xf32>
}
