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

// So does what replaces elements.
// CHECK-LABEL: @index_put
// CHECK:         edge.call "aten.index_put.default"{{.*}} : (tensor<5xi8>, tensor<3xi64>, tensor<3xi8>) -> tensor<5xi8>
func.func @index_put(%x: tensor<5x!q>, %i: tensor<3xi64>, %y: tensor<3x!q>) -> tensor<5x!q> {
  %0 = quant.dcast %x : tensor<5x!q> to tensor<5xf32>
  %1 = quant.dcast %y : tensor<3x!q> to tensor<3xf32>
  %2 = edge.call "aten.index_put.default"(%0, %i, %1) {arguments = [#edge.operand<0>, [#edge.operand<1>], #edge.operand<2>, false]} : (tensor<5xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<5xf32>
  %3 = quant.qcast %2 : tensor<5xf32> to tensor<5x!q>
  func.return %3 : tensor<5x!q>
}

// What adds to elements does it in 32 bits, without zero points, and clamps the sums.
// CHECK-LABEL: @index_add
// CHECK:         %[[X:.*]] = edge.call "aten.sub.Tensor"(%{{.*}}) {arguments = [#edge.operand<0>, -3 : i64, 1 : i64]} : (tensor<5xi32>) -> tensor<5xi32>
// CHECK:         %[[Y:.*]] = edge.call "aten.sub.Tensor"{{.*}} : (tensor<3xi32>) -> tensor<3xi32>
// CHECK:         %[[S:.*]] = edge.call "aten.index_put.default"(%[[X]], %i, %[[Y]]) {{.*}} : (tensor<5xi32>, tensor<3xi64>, tensor<3xi32>) -> tensor<5xi32>
// CHECK-NEXT:    %[[C:.*]] = edge.call "aten.clamp.default"(%[[S]]) {arguments = [#edge.operand<0>, -125 : i64, 130 : i64]}
// CHECK-NEXT:    %[[A:.*]] = edge.call "aten.add.Tensor"(%[[C]]) {arguments = [#edge.operand<0>, -3 : i64, 1 : i64]}
// CHECK-NEXT:    edge.call "aten._to_copy.default"(%[[A]]) {{.*}} : (tensor<5xi32>) -> tensor<5xi8>
func.func @index_add(%x: tensor<5x!q>, %i: tensor<3xi64>, %y: tensor<3x!q>) -> tensor<5x!q> {
  %0 = quant.dcast %x : tensor<5x!q> to tensor<5xf32>
  %1 = quant.dcast %y : tensor<3x!q> to tensor<3xf32>
  %2 = edge.call "aten.index_put.default"(%0, %i, %1) {arguments = [#edge.operand<0>, [#edge.operand<1>], #edge.operand<2>, true]} : (tensor<5xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<5xf32>
  %3 = quant.qcast %2 : tensor<5xf32> to tensor<5x!q>
  func.return %3 : tensor<5x!q>
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

// Every number that x can have is below 1000, and none is 0.2: all integers are -128 or more, and none
// is above 127.
// CHECK-LABEL: @always
// CHECK:         edge.call "aten.ge.Scalar"(%0) {arguments = [#edge.operand<0>, -128 : i64]} : (tensor<4xi8>) -> tensor<4xi1>
// CHECK:         edge.call "aten.gt.Scalar"(%{{.*}}) {arguments = [#edge.operand<0>, 127 : i64]} : (tensor<4xi8>) -> tensor<4xi1>
func.func @always(%x: tensor<4x!q>) -> (tensor<4xi1>, tensor<4xi1>) {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.call "aten.lt.Scalar"(%0) {arguments = [#edge.operand<0>, 1.0e3 : f64]} : (tensor<4xf32>) -> tensor<4xi1>
  %2 = edge.call "aten.eq.Scalar"(%0) {arguments = [#edge.operand<0>, 0.2 : f64]} : (tensor<4xf32>) -> tensor<4xi1>
  func.return %1, %2 : tensor<4xi1>, tensor<4xi1>
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

// Integers that are quantized with a step of 1 are clamped and moved, and never floats.
// CHECK-LABEL: @image
// CHECK-NEXT:    %[[C:.*]] = edge.call "aten.clamp.default"(%x) {arguments = [#edge.operand<0>, 0 : i64, 255 : i64]} : (tensor<4xi32>) -> tensor<4xi32>
// CHECK-NEXT:    %[[A:.*]] = edge.call "aten.add.Tensor"(%[[C]]) {arguments = [#edge.operand<0>, -128 : i64, 1 : i64]} : (tensor<4xi32>) -> tensor<4xi32>
// CHECK-NEXT:    %[[I:.*]] = edge.call "aten._to_copy.default"(%[[A]]) {{.*}} : (tensor<4xi32>) -> tensor<4xi8>
// CHECK-NEXT:    quant.scast %[[I]]
// CHECK-NEXT:    func.return
func.func @image(%x: tensor<4xi32>) -> tensor<4x!quant.uniform<i8:f32, 1.0:-128>> {
  %0 = edge.call "aten._to_copy.default"(%x) {arguments = [#edge.operand<0>, "float32", none, none, none, false, none]} : (tensor<4xi32>) -> tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 1.0:-128>>
  func.return %1 : tensor<4x!quant.uniform<i8:f32, 1.0:-128>>
}

// A chosen number is an integer of the result's type; 100 saturates. x is rounded to it first.
// CHECK-LABEL: @where_number
// CHECK:         %k = arith.constant dense<127> : tensor<i8>
// CHECK-NEXT:    quant.qcast %0 : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
// CHECK:         edge.call "aten.where.self"(%m, %{{.*}}, %k) {{.*}} : (tensor<4xi1>, tensor<4xi8>, tensor<i8>) -> tensor<4xi8>
func.func @where_number(%m: tensor<4xi1>, %x: tensor<4x!q>) -> tensor<4x!p> {
  %k = arith.constant dense<100.0> : tensor<f32>
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  %1 = edge.call "aten.where.self"(%m, %0, %k) {arguments = [#edge.operand<0>, #edge.operand<1>, #edge.operand<2>]} : (tensor<4xi1>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = quant.qcast %1 : tensor<4xf32> to tensor<4x!p>
  func.return %2 : tensor<4x!p>
}
