// RUN: cm-opt %s -p convert-edge-to-cortex-m,canonicalize,cse,dce | filecheck %s

!a = !quant.uniform<i8:f32, 0.5:3>
!b = !quant.uniform<i8:f32, 0.25>
!p = !quant.uniform<i8:f32, 0.25:-128>

// The subtracted operand has a negative multiplier, in any order of operands.
// CHECK-LABEL: func.func @sub
// CHECK-NEXT:    cortex_m.quantized_add %x, %y {{.*}}self_multiplier = 1073741824 : i32, {{.*}}other_multiplier = -1073741824 : i32, other_shift = -1 : i32
// CHECK-NEXT:    cortex_m.view %z
// CHECK-NEXT:    cortex_m.view %x
// CHECK-NEXT:    cortex_m.quantized_add {{.*}}self_multiplier = -1073741824 : i32, {{.*}}other_multiplier = 1073741824 : i32
func.func @sub(%x: tensor<2x4x!a>, %y: tensor<2x4x!b>, %z: tensor<3x2x4x!a>) -> (tensor<2x4x!a>, tensor<3x2x4x!a>) {
  %0 = edge.sub %x, %y : (tensor<2x4x!a>, tensor<2x4x!b>) -> tensor<2x4x!a>
  %1 = edge.sub %x, %z : (tensor<2x4x!a>, tensor<3x2x4x!a>) -> tensor<3x2x4x!a>
  func.return %0, %1 : tensor<2x4x!a>, tensor<3x2x4x!a>
}

// The kernel repeats a pixel itself.
// CHECK-LABEL: func.func @channels
// CHECK-NEXT:    cortex_m.quantized_mul %x, %y {{.*}} : (tensor<1x3x5x4xi8>, tensor<1x1x1x4xi8>) -> tensor<1x3x5x4xi8>
func.func @channels(%x: tensor<1x3x5x4x!a>, %y: tensor<1x1x1x4x!b>) -> tensor<1x3x5x4x!a> {
  %0 = edge.mul %y, %x : (tensor<1x1x1x4x!b>, tensor<1x3x5x4x!a>) -> tensor<1x3x5x4x!a>
  func.return %0 : tensor<1x3x5x4x!a>
}

// The repeated block [3, 4] is as small as possible.
// CHECK-LABEL: func.func @rows
// CHECK:         edge.call "aten.expand_copy.default"(%y) {{.*}} : (tensor<3x1xi8>) -> tensor<3x4xi8>
// CHECK:         cortex_m.quantized_add {{.*}} : (tensor<1x1x2x12xi8>, tensor<1x1x1x12xi8>) -> tensor<1x1x2x12xi8>
func.func @rows(%x: tensor<2x3x4x!a>, %y: tensor<3x1x!b>) -> tensor<2x3x4x!a> {
  %0 = edge.add %x, %y : (tensor<2x3x4x!a>, tensor<3x1x!b>) -> tensor<2x3x4x!a>
  func.return %0 : tensor<2x3x4x!a>
}

// A long constant is not repeated in the file.
// CHECK-LABEL: func.func @long_constant
// CHECK:         arith.constant {{.*}} : tensor<1x1x1x16xi8>
// CHECK:         cortex_m.quantized_add {{.*}} : (tensor<1x1x3x16xi8>, tensor<1x1x1x16xi8>) -> tensor<1x1x3x16xi8>
func.func @long_constant(%x: tensor<3x16x!a>) -> tensor<3x16x!a> {
  %c = arith.constant dense<[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]> : tensor<16xi8>
  %q = quant.scast %c : tensor<16xi8> to tensor<16x!b>
  %0 = edge.add %x, %q : (tensor<3x16x!a>, tensor<16x!b>) -> tensor<3x16x!a>
  func.return %0 : tensor<3x16x!a>
}

// (0.5 / 0.25) / 0.5 is 4. The kernel gives 0 for division by zero, so a term for zeros is added.
// CHECK-LABEL: func.func @div
// CHECK:         %[[ZERO:.*]] = cortex_m.quantized_activation %y
// CHECK-NEXT:    %[[TERM:.*]] = cortex_m.quantized_mul %x, %[[ZERO]] {self_zero_point = 3 : i32, other_zero_point = 0 : i32, output_zero_point = 0 : i32, output_multiplier = 1073741824 : i32, output_shift = 8 : i32}
// CHECK-NEXT:    %[[QUOTIENT:.*]] = cortex_m.quantized_div %x, %y {self_zero_point = 3 : i32, other_zero_point = 0 : i32, output_zero_point = 3 : i32, output_scale = 4.000000e+00 : f64}
// CHECK-NEXT:    cortex_m.quantized_add %[[QUOTIENT]], %[[TERM]] {self_zero_point = 3 : i32, other_zero_point = 0 : i32, output_zero_point = 3 : i32,
// CHECK-NEXT:    func.return
func.func @div(%x: tensor<4x!a>, %y: tensor<4x!b>) -> tensor<4x!a> {
  %0 = edge.div %x, %y : (tensor<4x!a>, tensor<4x!b>) -> tensor<4x!a>
  func.return %0 : tensor<4x!a>
}

// exp(y) is at least 1, so it is never the zero point.
// CHECK-LABEL: func.func @div_by_exp
// CHECK:         %[[EXP:.*]] = cortex_m.quantized_activation %y
// CHECK-NEXT:    cortex_m.quantized_div %x, %[[EXP]]
// CHECK-NEXT:    func.return
func.func @div_by_exp(%x: tensor<4x!a>, %y: tensor<4x!p>) -> tensor<4x!a> {
  %e = edge.exp %y : (tensor<4x!p>) -> tensor<4x!p>
  %0 = edge.div %x, %e : (tensor<4x!a>, tensor<4x!p>) -> tensor<4x!a>
  func.return %0 : tensor<4x!a>
}

// In int16 a term is added too: 1 where the divisor is zero, and with it the saturated dividend.
// CHECK-LABEL: func.func @div_int16
// CHECK:         %[[ZEROS:.*]] = cortex_m.quantized_div %y, %y {self_zero_point = 5 : i32, other_zero_point = 5 : i32, output_zero_point = 1 : i32, output_scale = -1.000000e+00 : f64}
// CHECK-NEXT:    %[[TERM:.*]] = cortex_m.quantized_div %x, %[[ZEROS]] {self_zero_point = 0 : i32, other_zero_point = 0 : i32, output_zero_point = 0 : i32, output_scale = 6.553600e+04 : f64}
// CHECK-NEXT:    %[[QUOTIENT:.*]] = cortex_m.quantized_div %x, %y {self_zero_point = 0 : i32, other_zero_point = 5 : i32, output_zero_point = 0 : i32, output_scale = 4.000000e+00 : f64}
// CHECK-NEXT:    edge.call "aten.add.Tensor"(%[[QUOTIENT]], %[[TERM]])
func.func @div_int16(%x: tensor<4x!quant.uniform<i16:f32, 0.5>>, %y: tensor<4x!quant.uniform<i16:f32, 0.25:5>>) -> tensor<4x!quant.uniform<i16:f32, 0.5>> {
  %0 = edge.div %x, %y : (tensor<4x!quant.uniform<i16:f32, 0.5>>, tensor<4x!quant.uniform<i16:f32, 0.25:5>>) -> tensor<4x!quant.uniform<i16:f32, 0.5>>
  func.return %0 : tensor<4x!quant.uniform<i16:f32, 0.5>>
}

// Only the operand of another quantization is requantized.
// CHECK-LABEL: func.func @minimum
// CHECK:         %[[Y:.*]] = cortex_m.quantized_activation %y
// CHECK-NEXT:    cortex_m.minimum %x, %[[Y]]
// CHECK-NEXT:    cortex_m.maximum %x, %z
func.func @minimum(%x: tensor<4x!a>, %y: tensor<4x!b>, %z: tensor<4x!a>) -> (tensor<4x!a>, tensor<4x!a>) {
  %0 = edge.minimum %x, %y : (tensor<4x!a>, tensor<4x!b>) -> tensor<4x!a>
  %1 = edge.maximum %x, %z : (tensor<4x!a>, tensor<4x!a>) -> tensor<4x!a>
  func.return %0, %1 : tensor<4x!a>, tensor<4x!a>
}

// The kernel broadcasts. Dimensions are joined where they broadcast alike.
// CHECK-LABEL: func.func @maximum_of_channels
// CHECK:         %[[Y:.*]] = cortex_m.view %y : (tensor<1x3x1x1xi8>) -> tensor<3x1xi8>
// CHECK-NEXT:    cortex_m.maximum %{{.*}}, %[[Y]] : (tensor<3x35xi8>, tensor<3x1xi8>) -> tensor<3x35xi8>
func.func @maximum_of_channels(%x: tensor<1x3x5x7x!a>, %y: tensor<1x3x1x1x!a>) -> tensor<1x3x5x7x!a> {
  %0 = edge.maximum %x, %y : (tensor<1x3x5x7x!a>, tensor<1x3x1x1x!a>) -> tensor<1x3x5x7x!a>
  func.return %0 : tensor<1x3x5x7x!a>
}

// A function of one tensor and itself is a table.
// CHECK-LABEL: func.func @square
// CHECK:         cortex_m.quantized_activation %x lut
// CHECK-NOT:     cortex_m.quantized_mul
func.func @square(%x: tensor<4x!a>) -> tensor<4x!b> {
  %0 = edge.mul %x, %x : (tensor<4x!a>, tensor<4x!a>) -> tensor<4x!b>
  func.return %0 : tensor<4x!b>
}
