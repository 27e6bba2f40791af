// RUN: cm-opt %s --pass-pipeline='builtin.module(canonicalize)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!p = !quant.uniform<i8:f32, 0.2>
!q16 = !quant.uniform<i16:f32, 0.1>
!q32 = !quant.uniform<i32:f32, 0.1>
!axis = !quant.uniform<i8:f32:0, {0.1, 0.5:1}>

// float32 holds int8 and int16 exactly.
// CHECK-LABEL: @quantize_of_dequantize
// CHECK-NEXT:    func.return %x, %y :
func.func @quantize_of_dequantize(%x: tensor<4x!q>, %y: tensor<4x!q16>) -> (tensor<4x!q>, tensor<4x!q16>) {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!q>
  %2 = quant.dcast %y : tensor<4x!q16> to tensor<4xf32>
  %3 = quant.qcast %2 : tensor<4xf32> to tensor<4x!q16>
  func.return %1, %3 : tensor<4x!q>, tensor<4x!q16>
}

// The dequantized value stays for its other users.
// CHECK-LABEL: @quantize_of_dequantize_several_uses
// CHECK-NEXT:    %0 = quant.dcast %x
// CHECK-NEXT:    func.return %0, %x :
func.func @quantize_of_dequantize_several_uses(%x: tensor<4x!q>) -> (tensor<4xf32>, tensor<4x!q>) {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!q>
  func.return %0, %1 : tensor<4xf32>, tensor<4x!q>
}

// With another type it is a requantization.
// CHECK-LABEL: @requantize
// CHECK-NEXT:    %0 = quant.dcast %x
// CHECK-NEXT:    %1 = quant.qcast %0
// CHECK-NEXT:    func.return %1
func.func @requantize(%x: tensor<4x!q>) -> tensor<4x!p> {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!p>
  func.return %1 : tensor<4x!p>
}

// float32 does not hold every int32.
// CHECK-LABEL: @quantize_of_dequantize_i32
// CHECK-NEXT:    %0 = quant.dcast %x
// CHECK-NEXT:    %1 = quant.qcast %0
// CHECK-NEXT:    func.return %1
func.func @quantize_of_dequantize_i32(%x: tensor<4x!q32>) -> tensor<4x!q32> {
  %0 = quant.dcast %x : tensor<4x!q32> to tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!q32>
  func.return %1 : tensor<4x!q32>
}

// Ties go to even, and values outside the range are clamped.
// CHECK-LABEL: @quantize_constant
// CHECK-NEXT:    %c = arith.constant dense<[0, 2, -2, 127]> : tensor<4xi8>
// CHECK-NEXT:    %c_1 = quant.scast %c : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32, 2.0>>
// CHECK-NEXT:    func.return %c_1
func.func @quantize_constant() -> tensor<4x!quant.uniform<i8:f32, 2.0>> {
  %c = arith.constant dense<[1.0, 3.0, -3.0, 1000.0]> : tensor<4xf32>
  %0 = quant.qcast %c : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 2.0>>
  func.return %0 : tensor<4x!quant.uniform<i8:f32, 2.0>>
}

// CHECK-LABEL: @quantize_constant_per_axis
// CHECK-NEXT:    %c = arith.constant dense<[10, 3]> : tensor<2xi8>
// CHECK-NEXT:    %c_1 = quant.scast %c : tensor<2xi8> to tensor<2x!quant.uniform<i8:f32:0, {0.1, 0.5:1}>>
func.func @quantize_constant_per_axis() -> tensor<2x!axis> {
  %c = arith.constant dense<1.0> : tensor<2xf32>
  %0 = quant.qcast %c : tensor<2xf32> to tensor<2x!axis>
  func.return %0 : tensor<2x!axis>
}

// A dequantized constant is folded too.
// CHECK-LABEL: @requantize_constant
// CHECK-NEXT:    %0 = arith.constant dense<[2, -2]> : tensor<2xi8>
// CHECK-NEXT:    quant.scast %0 : tensor<2xi8> to tensor<2x!quant.uniform<i8:f32, 0.2>>
// CHECK-NEXT:    func.return
func.func @requantize_constant() -> tensor<2x!p> {
  %c = arith.constant dense<[4, -4]> : tensor<2xi8>
  %0 = quant.scast %c : tensor<2xi8> to tensor<2x!q>
  %1 = quant.dcast %0 : tensor<2x!q> to tensor<2xf32>
  %2 = quant.qcast %1 : tensor<2xf32> to tensor<2x!p>
  func.return %2 : tensor<2x!p>
}

// A dequantized constant alone stays, because its integers are smaller.
// CHECK-LABEL: @dequantize_constant
// CHECK:         quant.dcast
func.func @dequantize_constant() -> tensor<2xf32> {
  %c = arith.constant dense<[4, -4]> : tensor<2xi8>
  %0 = quant.scast %c : tensor<2xi8> to tensor<2x!q>
  %1 = quant.dcast %0 : tensor<2x!q> to tensor<2xf32>
  func.return %1 : tensor<2xf32>
}

// CHECK-LABEL: @storage_and_back
// CHECK-NEXT:    func.return %x, %y :
func.func @storage_and_back(%x: tensor<4x!q>, %y: tensor<4xi8>) -> (tensor<4x!q>, tensor<4xi8>) {
  %0 = quant.scast %x : tensor<4x!q> to tensor<4xi8>
  %1 = quant.scast %0 : tensor<4xi8> to tensor<4x!q>
  %2 = quant.scast %y : tensor<4xi8> to tensor<4x!q>
  %3 = quant.scast %2 : tensor<4x!q> to tensor<4xi8>
  func.return %1, %3 : tensor<4x!q>, tensor<4xi8>
}

// Between two quantized types the storage stays visible.
// CHECK-LABEL: @reinterpret
// CHECK-NEXT:    %0 = quant.scast %x
// CHECK-NEXT:    %1 = quant.scast %0
// CHECK-NEXT:    func.return %1
func.func @reinterpret(%x: tensor<4x!q>) -> tensor<4x!p> {
  %0 = quant.scast %x : tensor<4x!q> to tensor<4xi8>
  %1 = quant.scast %0 : tensor<4xi8> to tensor<4x!p>
  func.return %1 : tensor<4x!p>
}
