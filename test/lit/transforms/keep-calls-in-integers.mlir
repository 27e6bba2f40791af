// RUN: cm-opt %s -p keep-calls-in-integers,canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.5:-3>
!p = !quant.uniform<i8:f32, 0.25>

// Dequantization keeps the order, so the largest integer is the largest number.
// CHECK-LABEL: @argmax
// CHECK-NEXT:    %0 = quant.scast %x : tensor<2x5x!quant.uniform<i8:f32, 0.5:-3>> to tensor<2x5xi8>
// CHECK-NEXT:    %1 = edge.call "aten.argmax.default"(%0) {arguments = [#edge.operand<0>, 1 : i64, false]} : (tensor<2x5xi8>) -> tensor<2xi64>
// CHECK-NEXT:    func.return %1
func.func @argmax(%x: tensor<2x5x!q>) -> tensor<2xi64> {
  %0 = quant.dcast %x : tensor<2x5x!q> to tensor<2x5xf32>
  %1 = edge.call "aten.argmax.default"(%0) {arguments = [#edge.operand<0>, 1 : i64, false]} : (tensor<2x5xf32>) -> tensor<2xi64>
  func.return %1 : tensor<2xi64>
}

// What moves elements gives stored integers.
// CHECK-LABEL: @index_select
// CHECK-NEXT:    %0 = quant.scast %x
// CHECK-NEXT:    %1 = edge.call "aten.index_select.default"(%0, %i) {{.*}} : (tensor<2x5xi8>, tensor<3xi64>) -> tensor<2x3xi8>
// CHECK-NEXT:    %2 = quant.scast %1 : tensor<2x3xi8> to tensor<2x3x!quant.uniform<i8:f32, 0.5:-3>>
// CHECK-NEXT:    func.return %2
func.func @index_select(%x: tensor<2x5x!q>, %i: tensor<3xi64>) -> tensor<2x3x!q> {
  %0 = quant.dcast %x : tensor<2x5x!q> to tensor<2x5xf32>
  %1 = edge.call "aten.index_select.default"(%0, %i) {arguments = [#edge.operand<0>, 1 : i64, #edge.operand<1>]} : (tensor<2x5xf32>, tensor<3xi64>) -> tensor<2x3xf32>
  %2 = quant.qcast %1 : tensor<2x3xf32> to tensor<2x3x!q>
  func.return %2 : tensor<2x3x!q>
}

// So does what replaces elements, unless it adds to them.
// CHECK-LABEL: @index_put
// CHECK:         edge.call "aten.index_put.default"{{.*}} : (tensor<5xi8>, tensor<3xi64>, tensor<3xi8>) -> tensor<5xi8>
// CHECK:         edge.call "aten.index_put.default"{{.*}} : (tensor<5xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<5xf32>
func.func @index_put(%x: tensor<5x!q>, %i: tensor<3xi64>, %y: tensor<3x!q>) -> (tensor<5x!q>, tensor<5x!q>) {
  %0 = quant.dcast %x : tensor<5x!q> to tensor<5xf32>
  %1 = quant.dcast %y : tensor<3x!q> to tensor<3xf32>
  %2 = edge.call "aten.index_put.default"(%0, %i, %1) {arguments = [#edge.operand<0>, [#edge.operand<1>], #edge.operand<2>, false]} : (tensor<5xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<5xf32>
  %3 = edge.call "aten.index_put.default"(%0, %i, %1) {arguments = [#edge.operand<0>, [#edge.operand<1>], #edge.operand<2>, true]} : (tensor<5xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<5xf32>
  %4 = quant.qcast %2 : tensor<5xf32> to tensor<5x!q>
  %5 = quant.qcast %3 : tensor<5xf32> to tensor<5x!q>
  func.return %4, %5 : tensor<5x!q>, tensor<5x!q>
}

// Integers of two types cannot be compared.
// CHECK-LABEL: @two_types
// CHECK:         edge.call "aten.lt.Tensor"{{.*}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
func.func @two_types(%x: tensor<4x!q>, %y: tensor<4x!p>) -> tensor<4xi1> {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = quant.dcast %y : tensor<4x!p> to tensor<4xf32>
  %2 = edge.call "aten.lt.Tensor"(%0, %1) {arguments = [#edge.operand<0>, #edge.operand<1>]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  func.return %2 : tensor<4xi1>
}

// x > 0.2 is q + 3 > 0.4: true from -2 on.
// CHECK-LABEL: @number
// CHECK:         edge.call "aten.gt.Scalar"(%0) {arguments = [#edge.operand<0>, -3 : i64]} : (tensor<4xi8>) -> tensor<4xi1>
func.func @number(%x: tensor<4x!q>) -> tensor<4xi1> {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.call "aten.gt.Scalar"(%0) {arguments = [#edge.operand<0>, 0.2 : f64]} : (tensor<4xf32>) -> tensor<4xi1>
  func.return %1 : tensor<4xi1>
}

// The values of topk are elements of x; their places depend on the elements' order alone.
// CHECK-LABEL: @topk
// CHECK:         = edge.call "aten.topk.default"(%0) {{.*}} : (tensor<4xi8>) -> (tensor<2xi8>, tensor<2xi64>)
// CHECK-NEXT:    quant.scast
// CHECK-NEXT:    quant.dcast
func.func @topk(%x: tensor<4x!q>) -> (tensor<2xf32>, tensor<2xi64>) {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1, %2 = edge.call "aten.topk.default"(%0) {arguments = [#edge.operand<0>, 2 : i64, -1 : i64, true, true]} : (tensor<4xf32>) -> (tensor<2xf32>, tensor<2xi64>)
  func.return %1, %2 : tensor<2xf32>, tensor<2xi64>
}
