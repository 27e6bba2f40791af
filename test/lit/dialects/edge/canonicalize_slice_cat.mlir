// RUN: cm-opt %s -p canonicalize | filecheck %s

// A slice of everything, and a cat of one, become their operand.
// CHECK-LABEL: func.func @nothing
// CHECK-NEXT:    func.return %x
func.func @nothing(%x: tensor<2x6xf32>) -> tensor<2x6xf32> {
  %0 = edge.slice %x {dim = 0 : i64, start = 0 : i64} : (tensor<2x6xf32>) -> tensor<2x6xf32>
  %1 = edge.cat %0 {dim = 1 : i64} : (tensor<2x6xf32>) -> tensor<2x6xf32>
  func.return %1 : tensor<2x6xf32>
}

// Empty operands are dropped.
// CHECK-LABEL: func.func @empty
// CHECK-NEXT:    edge.cat %x, %x {dim = 0 : i64}
func.func @empty(%x: tensor<2xf32>, %e: tensor<0xf32>) -> tensor<4xf32> {
  %0 = edge.cat %x, %e, %x {dim = 0 : i64} : (tensor<2xf32>, tensor<0xf32>, tensor<2xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// A constant is sliced at compile time.
// CHECK-LABEL: func.func @constant
// CHECK-NEXT:    arith.constant dense<{{\[\[}}2, 3], [6, 7]]> : tensor<2x2xi8>
func.func @constant() -> tensor<2x2xi8> {
  %c = arith.constant dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi8>
  %0 = edge.slice %c {dim = 1 : i64, start = 1 : i64} : (tensor<2x4xi8>) -> tensor<2x2xi8>
  func.return %0 : tensor<2x2xi8>
}

// Operands of one quantized type are joined before they are dequantized.
// CHECK-LABEL: func.func @same_type
// CHECK-NEXT:    %[[C:.*]] = edge.cat %a, %b
// CHECK-NEXT:    quant.dcast %[[C]]
func.func @same_type(%a: tensor<2x!quant.uniform<i8:f32, 0.5>>, %b: tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<4xf32> {
  %0 = quant.dcast %a : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  %1 = quant.dcast %b : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  %2 = edge.cat %0, %1 {dim = 0 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  func.return %2 : tensor<4xf32>
}

// Operands of different types stay: they have no common integers.
// CHECK-LABEL: func.func @different_types
// CHECK-COUNT-2: quant.dcast
// CHECK-NEXT:    edge.cat {{.*}} -> tensor<4xf32>
func.func @different_types(%a: tensor<2x!quant.uniform<i8:f32, 0.5>>, %b: tensor<2x!quant.uniform<i8:f32, 0.25>>) -> tensor<4xf32> {
  %0 = quant.dcast %a : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  %1 = quant.dcast %b : tensor<2x!quant.uniform<i8:f32, 0.25>> to tensor<2xf32>
  %2 = edge.cat %0, %1 {dim = 0 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  func.return %2 : tensor<4xf32>
}

// Only the operand of another type is requantized.
// CHECK-LABEL: func.func @requantize
// CHECK-NEXT:    %[[D:.*]] = quant.dcast %b
// CHECK-NEXT:    %[[Q:.*]] = quant.qcast %[[D]]
// CHECK-NEXT:    edge.cat %a, %[[Q]]
func.func @requantize(%a: tensor<2x!quant.uniform<i8:f32, 0.5>>, %b: tensor<2x!quant.uniform<i8:f32, 0.25>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>> {
  %0 = edge.cat %a, %b {dim = 0 : i64} : (tensor<2x!quant.uniform<i8:f32, 0.5>>, tensor<2x!quant.uniform<i8:f32, 0.25>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>>
  func.return %0 : tensor<4x!quant.uniform<i8:f32, 0.5>>
}
