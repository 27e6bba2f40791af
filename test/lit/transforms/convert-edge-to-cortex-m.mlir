// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m,canonicalize)' --split-input-file --mlir-elide-elementsattrs-if-larger=16 | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module(convert-edge-to-cortex-m,canonicalize)' --split-input-file | filecheck %s --check-prefix=TABLE

// Quantized tensors cross the border as integers; attributes hold their types.
// CHECK-LABEL: @border
// CHECK-SAME:    (%x: tensor<4xi8> {quant.type = tensor<4x!quant.uniform<i8:f32, 0.5:-3>>}, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi16> {quant.type = tensor<4x!quant.uniform<i16:f32, 0.25>>})
// CHECK-NEXT:    %0 = cortex_m.dequantize_per_tensor %x {scale = 5.000000e-01 : f64, zero_point = -3 : i32, quant_min = -128 : i32, quant_max = 127 : i32} : (tensor<4xi8>) -> tensor<4xf32>
// CHECK-NEXT:    %1 = cortex_m.quantize_per_tensor %y {scale = 2.500000e-01 : f64, zero_point = 0 : i32, quant_min = -32768 : i32, quant_max = 32767 : i32} : (tensor<4xf32>) -> tensor<4xi16>
// CHECK-NEXT:    func.return %0, %1
func.func @border(%x: tensor<4x!quant.uniform<i8:f32, 0.5:-3>>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4x!quant.uniform<i16:f32, 0.25>>) {
  %0 = quant.dcast %x : tensor<4x!quant.uniform<i8:f32, 0.5:-3>> to tensor<4xf32>
  %1 = quant.qcast %y : tensor<4xf32> to tensor<4x!quant.uniform<i16:f32, 0.25>>
  func.return %0, %1 : tensor<4xf32>, tensor<4x!quant.uniform<i16:f32, 0.25>>
}

// -----

// The kernel clamps to the storage range.
// CHECK-LABEL: @narrow_range
// CHECK:         cortex_m.quantize_per_tensor {{.*}}quant_min = -127 : i32, quant_max = 127 : i32
func.func @narrow_range(%x: tensor<4xf32>) -> tensor<4x!quant.uniform<i8<-127:127>:f32, 0.5>> {
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8<-127:127>:f32, 0.5>>
  func.return %0 : tensor<4x!quant.uniform<i8<-127:127>:f32, 0.5>>
}

// -----

// There is no kernel per axis, or for 32 bits.
// CHECK-LABEL: @no_border_kernel
// CHECK-NOT:     cortex_m
// CHECK:         func.return
func.func @no_border_kernel(%x: tensor<2xf32>) -> (tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>, tensor<2x!quant.uniform<i32:f32, 0.5>>) {
  %0 = quant.qcast %x : tensor<2xf32> to tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %1 = quant.qcast %x : tensor<2xf32> to tensor<2x!quant.uniform<i32:f32, 0.5>>
  func.return %0, %1 : tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>, tensor<2x!quant.uniform<i32:f32, 0.5>>
}

// -----

// Any function of one int8 value is a table. For relu: 129 zeros, then 1, 2, …
// TABLE-LABEL: @unary
// TABLE-NEXT:    dense<"0x{{((00){129})}}0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F"> : tensor<256xi8>
// CHECK-LABEL: @unary
// CHECK-NEXT:    %lut = arith.constant dense_resource<__elided__> : tensor<256xi8>
// CHECK-NEXT:    %0 = cortex_m.quantized_activation %x lut %lut : (tensor<2x2xi8>, tensor<256xi8>) -> tensor<2x2xi8>
// CHECK-NEXT:    func.return %0
func.func @unary(%x: tensor<2x2x!quant.uniform<i8:f32, 1.0>>) -> tensor<2x2x!quant.uniform<i8:f32, 1.0>> {
  %0 = edge.relu %x : (tensor<2x2x!quant.uniform<i8:f32, 1.0>>) -> tensor<2x2x!quant.uniform<i8:f32, 1.0>>
  func.return %0 : tensor<2x2x!quant.uniform<i8:f32, 1.0>>
}

// -----

// A requantization is a table too, without a float between. Float ops next to it keep their casts.
// TABLE-LABEL: @requantize
// TABLE:         dense<"0x{{((80){65})}}828486888A8C8E90929496989A9C9EA0A2A4A6A8AAACAEB0B2B4B6B8BABCBEC0C2C4C6C8CACCCED0D2D4D6D8DADCDEE0E2E4E6E8EAECEEF0F2F4F6F8FAFCFE00020406080A0C0E10121416181A1C1E20222426282A2C2E30323436383A3C3E40424446484A4C4E50525456585A5C5E60626466686A6C6E70727476787A7C7E{{((7F){64})}}"> : tensor<256xi8>
// CHECK-LABEL: @requantize
// CHECK-NEXT:    %0 = cortex_m.dequantize_per_tensor %x
// CHECK:         %1 = cortex_m.quantized_activation %x lut %lut
// CHECK-NEXT:    func.return %0, %1
func.func @requantize(%x: tensor<4x!quant.uniform<i8:f32, 0.5>>) -> (tensor<4xf32>, tensor<4x!quant.uniform<i8:f32, 0.25>>) {
  %0 = quant.dcast %x : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
  func.return %0, %1 : tensor<4xf32>, tensor<4x!quant.uniform<i8:f32, 0.25>>
}

// -----

// Between other widths it goes through float.
// CHECK-LABEL: @requantize_i16
// CHECK-NEXT:    %0 = cortex_m.dequantize_per_tensor %x {{.*}} : (tensor<4xi16>) -> tensor<4xf32>
// CHECK-NEXT:    %1 = cortex_m.quantize_per_tensor %0 {{.*}} : (tensor<4xf32>) -> tensor<4xi8>
func.func @requantize_i16(%x: tensor<4x!quant.uniform<i16:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.25>> {
  %0 = quant.dcast %x : tensor<4x!quant.uniform<i16:f32, 0.5>> to tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
  func.return %1 : tensor<4x!quant.uniform<i8:f32, 0.25>>
}

// -----

// Inputs at twice the larger scale (0.5 / 1 and 0.25 / 1), the output at 1 / (0.5 · 2^20); the
// clamp at 0 is the zero point.
// CHECK-LABEL: @add
// CHECK-NEXT:    %0 = cortex_m.quantized_add %x, %y {activation_min = 7 : i32, activation_max = 127 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1073741824 : i32, other_shift = -1 : i32, output_multiplier = 1073741824 : i32, output_shift = -18 : i32, self_zero_point = 3 : i32, other_zero_point = 0 : i32, output_zero_point = 7 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
func.func @add(%x: tensor<4x!quant.uniform<i8:f32, 0.5:3>>, %y: tensor<4x!quant.uniform<i8:f32, 0.25>>) -> tensor<4x!quant.uniform<i8:f32, 0.5:7>> {
  %0 = edge.add %x, %y {activation_min = 0.0 : f32} : (tensor<4x!quant.uniform<i8:f32, 0.5:3>>, tensor<4x!quant.uniform<i8:f32, 0.25>>) -> tensor<4x!quant.uniform<i8:f32, 0.5:7>>
  func.return %0 : tensor<4x!quant.uniform<i8:f32, 0.5:7>>
}

// -----

// An operand that would be shifted by more than 31 bits is too small to count: its multiplier is 0.
// CHECK-LABEL: @add_vanishing
// CHECK:         cortex_m.quantized_add {{.*}}other_multiplier = 0 : i32, other_shift = 0 : i32
func.func @add_vanishing(%x: tensor<4x!quant.uniform<i8:f32, 1.0>>, %y: tensor<4x!quant.uniform<i8:f32, 1.0e-12>>) -> tensor<4x!quant.uniform<i8:f32, 1.0>> {
  %0 = edge.add %x, %y : (tensor<4x!quant.uniform<i8:f32, 1.0>>, tensor<4x!quant.uniform<i8:f32, 1.0e-12>>) -> tensor<4x!quant.uniform<i8:f32, 1.0>>
  func.return %0 : tensor<4x!quant.uniform<i8:f32, 1.0>>
}

// -----

// Crossing bounds: the upper one wins, as in PyTorch.
// CHECK-LABEL: @add_crossing
// CHECK:         cortex_m.quantized_add {{.*}}activation_min = 2 : i32, activation_max = 2 : i32
func.func @add_crossing(%x: tensor<4x!quant.uniform<i8:f32, 1.0>>, %y: tensor<4x!quant.uniform<i8:f32, 1.0>>) -> tensor<4x!quant.uniform<i8:f32, 1.0>> {
  %0 = edge.add %x, %y {activation_min = 5.0 : f32, activation_max = 2.0 : f32} : (tensor<4x!quant.uniform<i8:f32, 1.0>>, tensor<4x!quant.uniform<i8:f32, 1.0>>) -> tensor<4x!quant.uniform<i8:f32, 1.0>>
  func.return %0 : tensor<4x!quant.uniform<i8:f32, 1.0>>
}

// -----

// A constant is broadcast at compile time, because the kernels do not. 0.5 · 0.5 / 0.125 is 2.
// CHECK-LABEL: @mul_constant
// CHECK-NEXT:    %q = arith.constant dense<{{\[\[}}1, 2], [1, 2], [1, 2]]> : tensor<3x2xi8>
// CHECK-NEXT:    %0 = cortex_m.quantized_mul %x, %q {self_zero_point = 0 : i32, other_zero_point = 4 : i32, output_zero_point = 0 : i32, output_multiplier = 1073741824 : i32, output_shift = 2 : i32} : (tensor<3x2xi8>, tensor<3x2xi8>) -> tensor<3x2xi8>
func.func @mul_constant(%x: tensor<3x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x2x!quant.uniform<i8:f32, 0.125>> {
  %c = arith.constant dense<[1, 2]> : tensor<2xi8>
  %q = quant.scast %c : tensor<2xi8> to tensor<2x!quant.uniform<i8:f32, 0.5:4>>
  %0 = edge.mul %x, %q : (tensor<3x2x!quant.uniform<i8:f32, 0.5>>, tensor<2x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<3x2x!quant.uniform<i8:f32, 0.125>>
  func.return %0 : tensor<3x2x!quant.uniform<i8:f32, 0.125>>
}

// -----

// A constant of one value gives a table, on either side: plus 1 adds two steps. Times 1 changes
// nothing, so it needs no table.
// TABLE-LABEL: @splat
// TABLE:         dense<"0x82838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F7F7F"> : tensor<256xi8>
// CHECK-LABEL: @splat
// CHECK:         %0 = cortex_m.quantized_activation %x lut
// CHECK-NEXT:    func.return %0
func.func @splat(%x: tensor<3x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x2x!quant.uniform<i8:f32, 0.5>> {
  %c = arith.constant dense<2> : tensor<2xi8>
  %q = quant.scast %c : tensor<2xi8> to tensor<2x!quant.uniform<i8:f32, 0.5>>
  %0 = edge.mul %x, %q : (tensor<3x2x!quant.uniform<i8:f32, 0.5>>, tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x2x!quant.uniform<i8:f32, 0.5>>
  %1 = edge.add %q, %0 : (tensor<2x!quant.uniform<i8:f32, 0.5>>, tensor<3x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x2x!quant.uniform<i8:f32, 0.5>>
  func.return %1 : tensor<3x2x!quant.uniform<i8:f32, 0.5>>
}

// -----

// CHECK-LABEL: @reshape
// CHECK-NEXT:    %0 = cortex_m.view %x : (tensor<4xi8>) -> tensor<2x2xi8>
// CHECK-NEXT:    %1 = cortex_m.view %y : (tensor<4xf32>) -> tensor<2x2xf32>
func.func @reshape(%x: tensor<4x!quant.uniform<i8:f32, 0.5>>, %y: tensor<4xf32>) -> (tensor<2x2x!quant.uniform<i8:f32, 0.5>>, tensor<2x2xf32>) {
  %0 = edge.reshape %x : (tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x2x!quant.uniform<i8:f32, 0.5>>
  %1 = edge.reshape %y : (tensor<4xf32>) -> tensor<2x2xf32>
  func.return %0, %1 : tensor<2x2x!quant.uniform<i8:f32, 0.5>>, tensor<2x2xf32>
}

// -----

// Dimensions that stay together are merged, and those of size 1 are dropped.
// CHECK-LABEL: @permute
// CHECK-NEXT:    %0 = cortex_m.view %x : (tensor<2x3x1x4x5xi8>) -> tensor<6x20xi8>
// CHECK-NEXT:    %1 = cortex_m.transpose %0 {perm = array<i64: 1, 0>} : (tensor<6x20xi8>) -> tensor<20x6xi8>
// CHECK-NEXT:    %2 = cortex_m.view %1 : (tensor<20x6xi8>) -> tensor<4x5x2x1x3xi8>
// CHECK-NEXT:    func.return %2
func.func @permute(%x: tensor<2x3x1x4x5x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x5x2x1x3x!quant.uniform<i8:f32, 0.5>> {
  %0 = edge.permute %x {perm = array<i64: 3, 4, 0, 2, 1>} : (tensor<2x3x1x4x5x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x5x2x1x3x!quant.uniform<i8:f32, 0.5>>
  func.return %0 : tensor<4x5x2x1x3x!quant.uniform<i8:f32, 0.5>>
}

// -----

// CHECK-LABEL: @permute_of_three
// CHECK-NEXT:    %0 = cortex_m.transpose %x {perm = array<i64: 2, 1, 0>} : (tensor<2x3x4xi8>) -> tensor<4x3x2xi8>
// CHECK-NEXT:    func.return %0
func.func @permute_of_three(%x: tensor<2x3x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x3x2x!quant.uniform<i8:f32, 0.5>> {
  %0 = edge.permute %x {perm = array<i64: 2, 1, 0>} : (tensor<2x3x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x3x2x!quant.uniform<i8:f32, 0.5>>
  func.return %0 : tensor<4x3x2x!quant.uniform<i8:f32, 0.5>>
}

// -----

// Nothing moves.
// CHECK-LABEL: @permute_of_units
// CHECK-NEXT:    func.return %x
func.func @permute_of_units(%x: tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1x!quant.uniform<i8:f32, 0.5>> {
  %0 = edge.permute %x {perm = array<i64: 1, 0>} : (tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1x!quant.uniform<i8:f32, 0.5>>
  func.return %0 : tensor<1x1x!quant.uniform<i8:f32, 0.5>>
}

// -----

// Float ops are left to convert-edge-to-portable.
// CHECK-LABEL: @float
// CHECK-NEXT:    %0 = edge.relu %x
// CHECK-NEXT:    %1 = edge.permute %0
func.func @float(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = edge.relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = edge.permute %0 {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  func.return %1 : tensor<3x2xf32>
}
