// RUN: cm-opt %s -p 'shift-ring-buffers' --split-input-file | filecheck %s

// The kept rows and the new one become one shift, behind what reads the old buffer.
// CHECK-LABEL: @ring
// CHECK:         %[[Y:.*]] = cortex_m.quantized_activation %all
// CHECK-NEXT:    %new = cortex_m.shift %h, %x : (tensor<3x2xi8>, tensor<1x2xi8>) -> tensor<3x2xi8>
// CHECK-NEXT:    func.return %[[Y]], %new
func.func @ring(%x: tensor<1x2xi8>, %lut: tensor<256xi8>, %h: tensor<3x2xi8> {edge.name = "h", edge.initial_value = dense<0> : tensor<3x2xi8>}) -> (tensor<4x2xi8>, tensor<3x2xi8> {edge.next_value_of = "h"}) {
  %all = cortex_m.join %h, %x : (tensor<3x2xi8>, tensor<1x2xi8>) -> tensor<4x2xi8>
  %kept = cortex_m.subview %h {offset = 2 : i64} : (tensor<3x2xi8>) -> tensor<2x2xi8>
  %new = cortex_m.join %kept, %x : (tensor<2x2xi8>, tensor<1x2xi8>) -> tensor<3x2xi8>
  %1 = cortex_m.quantized_activation %all lut %lut : (tensor<4x2xi8>, tensor<256xi8>) -> tensor<4x2xi8>
  func.return %1, %new : tensor<4x2xi8>, tensor<3x2xi8>
}

// -----

// The old buffer is read after the new one: both are needed.
// CHECK-LABEL: @both
// CHECK-NOT:     cortex_m.shift
func.func @both(%x: tensor<1x2xi8>, %lut: tensor<256xi8>, %h: tensor<3x2xi8> {edge.name = "h", edge.initial_value = dense<0> : tensor<3x2xi8>}) -> (tensor<3x2xi8>, tensor<3x2xi8>, tensor<3x2xi8> {edge.next_value_of = "h"}) {
  %kept = cortex_m.subview %h {offset = 2 : i64} : (tensor<3x2xi8>) -> tensor<2x2xi8>
  %new = cortex_m.join %kept, %x : (tensor<2x2xi8>, tensor<1x2xi8>) -> tensor<3x2xi8>
  %0 = cortex_m.quantized_activation %new lut %lut : (tensor<3x2xi8>, tensor<256xi8>) -> tensor<3x2xi8>
  %1 = cortex_m.maximum %h, %0 : (tensor<3x2xi8>, tensor<3x2xi8>) -> tensor<3x2xi8>
  func.return %0, %1, %new : tensor<3x2xi8>, tensor<3x2xi8>, tensor<3x2xi8>
}

// -----

// A rotation appends a part of the buffer itself, which the shift would overwrite.
// CHECK-LABEL: @rotation
// CHECK-NOT:     cortex_m.shift
func.func @rotation(%h: tensor<3x2xi8> {edge.name = "h", edge.initial_value = dense<0> : tensor<3x2xi8>}) -> (tensor<3x2xi8> {edge.next_value_of = "h"}) {
  %kept = cortex_m.subview %h {offset = 2 : i64} : (tensor<3x2xi8>) -> tensor<2x2xi8>
  %first = cortex_m.subview %h {offset = 0 : i64} : (tensor<3x2xi8>) -> tensor<1x2xi8>
  %new = cortex_m.join %kept, %first : (tensor<2x2xi8>, tensor<1x2xi8>) -> tensor<3x2xi8>
  func.return %new : tensor<3x2xi8>
}
