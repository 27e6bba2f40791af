// RUN: cm-opt %s --pass-pipeline='builtin.module(delegate-to-ethos-u{npu="ethos-u55-128"})' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!p = !quant.uniform<i8:f32, 0.00390625:-128>

// The reciprocals of up to 16 sums are computed in one row.
// CHECK-LABEL: @few
// CHECK:       %[[S:.*]] = tosa.reduce_sum
// CHECK:       %[[R:.*]] = tosa.reshape %[[S]], {{.*}} -> tensor<1x1x1x16xi32>
// CHECK:       tosa.clz %[[R]]
// CHECK:       tosa.reshape {{.*}} -> tensor<1x1x16x1xi{{16|32}}>
// CHECK:       tosa.mul
func.func @few(%x: tensor<16x32x!q>) -> tensor<16x32x!p> {
  %0 = edge.softmax %x {dim = 1 : i64} : (tensor<16x32x!q>) -> tensor<16x32x!p>
  func.return %0 : tensor<16x32x!p>
}

// CHECK-LABEL: @many
// CHECK:       %[[S:.*]] = tosa.reduce_sum
// CHECK:       tosa.clz %[[S]]
func.func @many(%x: tensor<17x32x!q>) -> tensor<17x32x!p> {
  %0 = edge.softmax %x {dim = 1 : i64} : (tensor<17x32x!q>) -> tensor<17x32x!p>
  func.return %0 : tensor<17x32x!p>
}

// More rows than an axis may have are images.
// CHECK-LABEL: @images
// CHECK:       tosa.clz {{.*}} : (tensor<65792x1x1x1xi32>)
func.func @images(%x: tensor<65792x2x!q>) -> tensor<65792x2x!p> {
  %0 = edge.softmax %x {dim = 1 : i64} : (tensor<65792x2x!q>) -> tensor<65792x2x!p>
  func.return %0 : tensor<65792x2x!p>
}
