// RUN: cm-opt %s -p lower-running-sums | filecheck %s
// RUN: cm-opt %s -p 'lower-running-sums,fold-quantize-dequantize,canonicalize' | filecheck %s --check-prefix=INTEGER

!q = !quant.uniform<i8:f32, 0.5:3>
!r = !quant.uniform<i8:f32, 2.0:-7>

// CHECK-LABEL: func.func @last
func.func @last(%x: tensor<2x3x!q>) -> tensor<2x3x!r> {
  // CHECK: %[[X:.*]] = quant.dcast %x
  // CHECK-NEXT: arith.constant dense<{{\[\[}}1, 0, 0], [1, 1, 0], [1, 1, 1{{\]\]}}> : tensor<3x3xi8>
  // CHECK: %[[W:.*]] = quant.dcast {{.*}} : tensor<3x3x!quant.uniform<i8:f32, 1.0>>
  // CHECK: edge.linear %[[X]], %[[W]]
  // CHECK-NOT: edge.call
  // INTEGER: edge.linear %x, {{.*}} -> tensor<2x3x!quant.uniform<i8:f32, 2.0:-7>>
  %a = quant.dcast %x : tensor<2x3x!q> to tensor<2x3xf32>
  %s = edge.call "aten.cumsum.default"(%a) {arguments = [#edge.operand<0>, -1 : i64, none]} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = quant.qcast %s : tensor<2x3xf32> to tensor<2x3x!r>
  func.return %y : tensor<2x3x!r>
}

// The dimension becomes the last one, and goes back.
// CHECK-LABEL: func.func @middle
func.func @middle(%x: tensor<2x3x4x!q>) -> tensor<2x3x4x!r> {
  // CHECK: %[[P:.*]] = edge.permute {{.*}} {perm = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  // CHECK: %[[L:.*]] = edge.linear %[[P]]
  // CHECK: edge.permute %[[L]] {perm = array<i64: 0, 2, 1>}
  %a = quant.dcast %x : tensor<2x3x4x!q> to tensor<2x3x4xf32>
  %s = edge.call "aten.cumsum.default"(%a) {arguments = [#edge.operand<0>, 1 : i64, none]} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %y = quant.qcast %s : tensor<2x3x4xf32> to tensor<2x3x4x!r>
  func.return %y : tensor<2x3x4x!r>
}

// A float result, a tensor without dimensions and a long row keep the call.
// CHECK-LABEL: func.func @kept
func.func @kept(%x: tensor<2x!q>, %n: tensor<!q>, %l: tensor<257x!q>) -> (tensor<2xf32>, tensor<!r>, tensor<257x!r>) {
  // CHECK-COUNT-3: edge.call "aten.cumsum.default"
  %a = quant.dcast %x : tensor<2x!q> to tensor<2xf32>
  %s = edge.call "aten.cumsum.default"(%a) {arguments = [#edge.operand<0>, 0 : i64, none]} : (tensor<2xf32>) -> tensor<2xf32>
  %b = quant.dcast %n : tensor<!q> to tensor<f32>
  %t = edge.call "aten.cumsum.default"(%b) {arguments = [#edge.operand<0>, 0 : i64, none]} : (tensor<f32>) -> tensor<f32>
  %z = quant.qcast %t : tensor<f32> to tensor<!r>
  %c = quant.dcast %l : tensor<257x!q> to tensor<257xf32>
  %u = edge.call "aten.cumsum.default"(%c) {arguments = [#edge.operand<0>, 0 : i64, none]} : (tensor<257xf32>) -> tensor<257xf32>
  %v = quant.qcast %u : tensor<257xf32> to tensor<257x!r>
  func.return %s, %z, %v : tensor<2xf32>, tensor<!r>, tensor<257x!r>
}
