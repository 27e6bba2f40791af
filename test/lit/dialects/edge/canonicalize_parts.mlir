// RUN: cm-opt %s --pass-pipeline='builtin.module(canonicalize)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>

// CHECK-LABEL: @slice_of_slice
// CHECK-NEXT:    %0 = edge.slice %x {dim = 1 : i64, start = 3 : i64} : (tensor<2x8xf32>) -> tensor<2x2xf32>
// CHECK-NEXT:    func.return %0
func.func @slice_of_slice(%x: tensor<2x8xf32>) -> tensor<2x2xf32> {
  %0 = edge.slice %x {dim = 1 : i64, start = 2 : i64} : (tensor<2x8xf32>) -> tensor<2x5xf32>
  %1 = edge.slice %0 {dim = 1 : i64, start = 1 : i64} : (tensor<2x5xf32>) -> tensor<2x2xf32>
  func.return %1 : tensor<2x2xf32>
}

// CHECK-LABEL: @part_of_cat
// CHECK-NEXT:    func.return %y
func.func @part_of_cat(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = edge.cat %x, %y {dim = 1 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  %1 = edge.slice %0 {dim = 1 : i64, start = 3 : i64} : (tensor<2x7xf32>) -> tensor<2x4xf32>
  func.return %1 : tensor<2x4xf32>
}

// CHECK-LABEL: @across_a_seam
// CHECK-NEXT:    %0 = edge.slice %x {dim = 1 : i64, start = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x1xf32>
// CHECK-NEXT:    %1 = edge.slice %y {dim = 1 : i64, start = 0 : i64} : (tensor<2x4xf32>) -> tensor<2x2xf32>
// CHECK-NEXT:    %2 = edge.cat %0, %1 {dim = 1 : i64}
// CHECK-NEXT:    func.return %2
func.func @across_a_seam(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<2x3xf32> {
  %0 = edge.cat %x, %y {dim = 1 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  %1 = edge.slice %0 {dim = 1 : i64, start = 2 : i64} : (tensor<2x7xf32>) -> tensor<2x3xf32>
  func.return %1 : tensor<2x3xf32>
}

// The slice reaches the operands through a reshape and a cat along another dimension.
// CHECK-LABEL: @behind
// CHECK-NEXT:    %0 = edge.reshape %b : (tensor<1x2x2x2xf32>) -> tensor<1x2x4xf32>
// CHECK-NEXT:    %1 = edge.reshape %d : (tensor<1x2x3x1xf32>) -> tensor<1x2x3xf32>
// CHECK-NEXT:    %2 = edge.cat %0, %1 {dim = 2 : i64}
// CHECK-NEXT:    func.return %2
func.func @behind(%a: tensor<1x1x2x2xf32>, %b: tensor<1x2x2x2xf32>, %c: tensor<1x1x3x1xf32>, %d: tensor<1x2x3x1xf32>) -> tensor<1x2x7xf32> {
  %0 = edge.cat %a, %b {dim = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x3x2x2xf32>
  %1 = edge.cat %c, %d {dim = 1 : i64} : (tensor<1x1x3x1xf32>, tensor<1x2x3x1xf32>) -> tensor<1x3x3x1xf32>
  %2 = edge.reshape %0 : (tensor<1x3x2x2xf32>) -> tensor<1x3x4xf32>
  %3 = edge.reshape %1 : (tensor<1x3x3x1xf32>) -> tensor<1x3x3xf32>
  %4 = edge.cat %2, %3 {dim = 2 : i64} : (tensor<1x3x4xf32>, tensor<1x3x3xf32>) -> tensor<1x3x7xf32>
  %5 = edge.slice %4 {dim = 1 : i64, start = 1 : i64} : (tensor<1x3x7xf32>) -> tensor<1x2x7xf32>
  func.return %5 : tensor<1x2x7xf32>
}

// Not along another dimension if the operands are not cats: one slice would become two.
// CHECK-LABEL: @stays
// CHECK-NEXT:    edge.cat %x, %x {dim = 0 : i64}
// CHECK-NEXT:    edge.slice
func.func @stays(%x: tensor<2x3x!q>) -> tensor<4x1x!q> {
  %0 = edge.cat %x, %x {dim = 0 : i64} : (tensor<2x3x!q>, tensor<2x3x!q>) -> tensor<4x3x!q>
  %1 = edge.slice %0 {dim = 1 : i64, start = 1 : i64} : (tensor<4x3x!q>) -> tensor<4x1x!q>
  func.return %1 : tensor<4x1x!q>
}

// Two adjacent halves become the whole, even if another op reads one of them.
// CHECK-LABEL: @neighbours
// CHECK-NEXT:    %0 = edge.slice %x {dim = 1 : i64, start = 2 : i64}
// CHECK-NEXT:    %1 = edge.relu %0
// CHECK-NEXT:    %2 = edge.cat %x, %1 {dim = 1 : i64}
func.func @neighbours(%x: tensor<1x4xf32>) -> tensor<1x6xf32> {
  %0 = edge.slice %x {dim = 1 : i64, start = 0 : i64} : (tensor<1x4xf32>) -> tensor<1x2xf32>
  %1 = edge.slice %x {dim = 1 : i64, start = 2 : i64} : (tensor<1x4xf32>) -> tensor<1x2xf32>
  %2 = edge.relu %1 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %3 = edge.cat %0, %1, %2 {dim = 1 : i64} : (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x6xf32>
  func.return %3 : tensor<1x6xf32>
}
