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

// A constant has no place to view: it is made in the shape that is wanted.
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
