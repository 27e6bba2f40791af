// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128"})' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>

// Few copies are one tile.
// CHECK-LABEL: @few
// CHECK:       tosa.tile {{.*}} -> tensor<4x16xi8>
// CHECK-NOT:   tosa.tile
// CHECK:       ethos_u.yield
func.func @few(%x: tensor<4x1x!q>) -> tensor<4x16x!q> {
  %t = edge.tanh %x : (tensor<4x1x!q>) -> tensor<4x1x!q>
  %y = edge.expand %t : (tensor<4x1x!q>) -> tensor<4x16x!q>
  func.return %y : tensor<4x16x!q>
}

// Many are copies of copies, and a slice of them, because the NPU makes copies one by one.
// CHECK-LABEL: @many
// CHECK:       %[[B:.*]] = tosa.tile {{.*}} -> tensor<4x6xi8>
// CHECK:       %[[W:.*]] = tosa.tile %[[B]], {{.*}} -> tensor<4x36xi8>
// CHECK:       %[[R:.*]] = tosa.slice %[[B]], {{.*}} -> tensor<4x4xi8>
// CHECK:       tosa.concat %[[W]], %[[R]] {axis = 1 : i32} {{.*}} -> tensor<4x40xi8>
func.func @many(%x: tensor<4x1x!q>) -> tensor<4x40x!q> {
  %t = edge.tanh %x : (tensor<4x1x!q>) -> tensor<4x1x!q>
  %y = edge.expand %t : (tensor<4x1x!q>) -> tensor<4x40x!q>
  func.return %y : tensor<4x40x!q>
}
