// RUN: cm-opt %s -p canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>

// CHECK-LABEL: @nothing_repeated
// CHECK-NEXT:    %0 = edge.reshape %x : (tensor<2x3xf32>) -> tensor<1x2x3xf32>
// CHECK-NEXT:    func.return %x, %0
func.func @nothing_repeated(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<1x2x3xf32>) {
  %0 = edge.expand %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = edge.expand %x : (tensor<2x3xf32>) -> tensor<1x2x3xf32>
  func.return %0, %1 : tensor<2x3xf32>, tensor<1x2x3xf32>
}

// int8 is repeated, not float32.
// CHECK-LABEL: @dequantized
// CHECK-NEXT:    %0 = edge.expand %x : (tensor<1x3x!quant.uniform<i8:f32, 0.1>>) -> tensor<2x3x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %1 = quant.dcast %0
// CHECK-NEXT:    func.return %1
func.func @dequantized(%x: tensor<1x3x!q>) -> tensor<2x3xf32> {
  %0 = quant.dcast %x : tensor<1x3x!q> to tensor<1x3xf32>
  %1 = edge.expand %0 : (tensor<1x3xf32>) -> tensor<2x3xf32>
  func.return %1 : tensor<2x3xf32>
}

// CHECK-LABEL: @broadcast_anyway
// CHECK-NEXT:    %0 = edge.mul %x, %y : (tensor<1x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT:    func.return %0
func.func @broadcast_anyway(%x: tensor<1x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = edge.expand %x : (tensor<1x3xf32>) -> tensor<2x3xf32>
  %1 = edge.mul %0, %y : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %1 : tensor<2x3xf32>
}

// Here only the expand gives the result its shape.
// CHECK-LABEL: @needed
// CHECK-NEXT:    %0 = edge.expand %x
// CHECK-NEXT:    %1 = edge.mul %0, %x
// CHECK-NEXT:    func.return %1
func.func @needed(%x: tensor<1x3xf32>) -> tensor<2x3xf32> {
  %0 = edge.expand %x : (tensor<1x3xf32>) -> tensor<2x3xf32>
  %1 = edge.mul %0, %x : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  func.return %1 : tensor<2x3xf32>
}
