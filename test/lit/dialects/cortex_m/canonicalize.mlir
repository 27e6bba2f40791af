// RUN: cm-opt %s --pass-pipeline='builtin.module(canonicalize)' | filecheck %s

// CHECK-LABEL: @views
// CHECK-NEXT:    %0 = cortex_m.view %x : (tensor<2x6xi8>) -> tensor<12xi8>
// CHECK-NEXT:    func.return %0, %x :
func.func @views(%x: tensor<2x6xi8>) -> (tensor<12xi8>, tensor<2x6xi8>) {
  %0 = cortex_m.view %x : (tensor<2x6xi8>) -> tensor<3x4xi8>
  %1 = cortex_m.view %0 : (tensor<3x4xi8>) -> tensor<12xi8>
  %2 = cortex_m.view %1 : (tensor<12xi8>) -> tensor<2x6xi8>
  func.return %1, %2 : tensor<12xi8>, tensor<2x6xi8>
}

// A view stays for its other users.
// CHECK-LABEL: @views_several_uses
// CHECK-NEXT:    %0 = cortex_m.view %x : (tensor<2x6xi8>) -> tensor<3x4xi8>
// CHECK-NEXT:    %1 = cortex_m.view %x : (tensor<2x6xi8>) -> tensor<12xi8>
// CHECK-NEXT:    func.return %0, %1
func.func @views_several_uses(%x: tensor<2x6xi8>) -> (tensor<3x4xi8>, tensor<12xi8>) {
  %0 = cortex_m.view %x : (tensor<2x6xi8>) -> tensor<3x4xi8>
  %1 = cortex_m.view %0 : (tensor<3x4xi8>) -> tensor<12xi8>
  func.return %0, %1 : tensor<3x4xi8>, tensor<12xi8>
}

// A view of a constant becomes a constant of that shape.
// CHECK-LABEL: @view_of_constant
// CHECK-NEXT:    %c = arith.constant dense<{{\[\[}}1, 2], [3, 4]]> : tensor<2x2xi8>
// CHECK-NEXT:    func.return %c
func.func @view_of_constant() -> tensor<2x2xi8> {
  %c = arith.constant dense<[1, 2, 3, 4]> : tensor<4xi8>
  %0 = cortex_m.view %c : (tensor<4xi8>) -> tensor<2x2xi8>
  func.return %0 : tensor<2x2xi8>
}

// CHECK-LABEL: @unused_scratch
// CHECK-NEXT:    func.return
func.func @unused_scratch() {
  %0 = cortex_m.scratch : tensor<16xi8>
  func.return
}

// CHECK-LABEL: @used_scratch
// CHECK-NEXT:    %0 = cortex_m.scratch : tensor<16xi8>
// CHECK-NEXT:    "test.op"(%0)
func.func @used_scratch() {
  %0 = cortex_m.scratch : tensor<16xi8>
  "test.op"(%0) : (tensor<16xi8>) -> ()
  func.return
}

// Two tables in a row become one table, also through a view.
// CHECK-LABEL: @lookups
// CHECK-NEXT:    %lut = arith.constant dense<7> : tensor<256xi8>
// CHECK-NEXT:    %0 = cortex_m.view %x : (tensor<4xi8>) -> tensor<2x2xi8>
// CHECK-NEXT:    %1 = cortex_m.quantized_activation %0 lut %lut : (tensor<2x2xi8>, tensor<256xi8>) -> tensor<2x2xi8>
// CHECK-NEXT:    func.return %1
func.func @lookups(%x: tensor<4xi8>) -> tensor<2x2xi8> {
  %f = arith.constant dense<3> : tensor<256xi8>
  %g = arith.constant dense<7> : tensor<256xi8>
  %0 = cortex_m.quantized_activation %x lut %f : (tensor<4xi8>, tensor<256xi8>) -> tensor<4xi8>
  %1 = cortex_m.view %0 : (tensor<4xi8>) -> tensor<2x2xi8>
  %2 = cortex_m.quantized_activation %1 lut %g : (tensor<2x2xi8>, tensor<256xi8>) -> tensor<2x2xi8>
  func.return %2 : tensor<2x2xi8>
}

// The inner lookup stays if another op reads its result.
// CHECK-LABEL: @lookup_of_two_users
// CHECK:         %0 = cortex_m.quantized_activation %x
// CHECK-NEXT:    %1 = cortex_m.quantized_activation %0
// CHECK-NEXT:    func.return %0, %1
func.func @lookup_of_two_users(%x: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi8>) {
  %f = arith.constant dense<3> : tensor<256xi8>
  %g = arith.constant dense<7> : tensor<256xi8>
  %0 = cortex_m.quantized_activation %x lut %f : (tensor<4xi8>, tensor<256xi8>) -> tensor<4xi8>
  %1 = cortex_m.quantized_activation %0 lut %g : (tensor<4xi8>, tensor<256xi8>) -> tensor<4xi8>
  func.return %0, %1 : tensor<4xi8>, tensor<4xi8>
}

// A table that maps each integer to itself is dropped.
// CHECK-LABEL: @identity
// CHECK-NEXT:    func.return %x
func.func @identity(%x: tensor<4xi8>) -> tensor<4xi8> {
  %f = arith.constant dense<"0x808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F"> : tensor<256xi8>
  %0 = cortex_m.quantized_activation %x lut %f : (tensor<4xi8>, tensor<256xi8>) -> tensor<4xi8>
  func.return %0 : tensor<4xi8>
}
