// RUN: ROUNDTRIP

// The zero point is printed if it is not 0, the storage range if it is not the full one.
// CHECK:      zero = !quant.uniform<i8:f32, 0.05>
// CHECK-SAME: offset = !quant.uniform<i8:f32, 0.05:-3>
// CHECK-SAME: narrow = !quant.uniform<i8<-127:127>:f32, 0.05>
// CHECK-SAME: full = !quant.uniform<i8:f32, 0.05>
// CHECK-SAME: i16 = !quant.uniform<i16:f32, 1.0>
// CHECK-SAME: i32 = !quant.uniform<i32:f32, 1.0e-07>
"test.op"() {
  zero = !quant.uniform<i8:f32, 0.05:0>,
  offset = !quant.uniform<i8:f32, 0.05:-3>,
  narrow = !quant.uniform<i8<-127:127>:f32, 0.05>,
  full = !quant.uniform<i8<-128:127>:f32, 0.05>,
  i16 = !quant.uniform<i16:f32, 1.0>,
  i32 = !quant.uniform<i32:f32, 1.0e-7>
} : () -> ()

// Per axis, each slice has a scale and a zero point.
// CHECK:      !quant.uniform<i8:f32:0, {0.1, 0.2:5, 0.3:-5}>
// CHECK-SAME: !quant.uniform<i8<-7:7>:f32:3, {0.1}>
"test.op"() {
  a = !quant.uniform<i8:f32:0, {0.1, 0.2:5, 0.3:-5}>,
  b = !quant.uniform<i8<-7:7>:f32:3, {0.1}>
} : () -> ()

// A scale is parsed to the same bits.
// CHECK: !quant.uniform<i8:f32, 0.003921568859368563:-128>
"test.op"() {t = !quant.uniform<i8:f32, 0.003921568859368563:-128>} : () -> ()

// CHECK-LABEL: @casts
// CHECK-NEXT:    %0 = quant.qcast %x : tensor<2x3xf32> to tensor<2x3x!quant.uniform<i8:f32, 0.1>>
// CHECK-NEXT:    %1 = quant.scast %0 : tensor<2x3x!quant.uniform<i8:f32, 0.1>> to tensor<2x3xi8>
// CHECK-NEXT:    %2 = quant.scast %1 : tensor<2x3xi8> to tensor<2x3x!quant.uniform<i8:f32:1, {0.1, 0.2, 0.3}>>
// CHECK-NEXT:    %3 = quant.dcast %2 : tensor<2x3x!quant.uniform<i8:f32:1, {0.1, 0.2, 0.3}>> to tensor<2x3xf32>
func.func @casts(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = quant.qcast %x : tensor<2x3xf32> to tensor<2x3x!quant.uniform<i8:f32, 0.1>>
  %1 = quant.scast %0 : tensor<2x3x!quant.uniform<i8:f32, 0.1>> to tensor<2x3xi8>
  %2 = quant.scast %1 : tensor<2x3xi8> to tensor<2x3x!quant.uniform<i8:f32:1, {0.1, 0.2, 0.3}>>
  %3 = quant.dcast %2 : tensor<2x3x!quant.uniform<i8:f32:1, {0.1, 0.2, 0.3}>> to tensor<2x3xf32>
  func.return %3 : tensor<2x3xf32>
}

// A memory order passes through a cast.
// CHECK: quant.qcast %{{.*}} : tensor<2x3xf32, #edge.dim_order<[1, 0]>> to tensor<2x3x!quant.uniform<i8:f32, 0.1>, #edge.dim_order<[1, 0]>>
%x = "test.op"() : () -> tensor<2x3xf32, #edge.dim_order<[1, 0]>>
%q = quant.qcast %x : tensor<2x3xf32, #edge.dim_order<[1, 0]>> to tensor<2x3x!quant.uniform<i8:f32, 0.1>, #edge.dim_order<[1, 0]>>
