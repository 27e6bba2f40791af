// RUN: cm-opt %s --pass-pipeline='builtin.module(fuse-activations)' | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>
!p = !quant.uniform<i8:f32, 0.2>

// A clamp fuses into every op that has a clamp at its end.
// CHECK-LABEL: @fuses
// CHECK-NEXT:    %0 = edge.linear %x, %w {activation_min = 0.000000e+00 : f32}
// CHECK-NEXT:    %1 = edge.add %0, %0 {activation_min = 0.000000e+00 : f32}
// CHECK-NEXT:    %2 = edge.reshape %1
// CHECK-NEXT:    %3 = edge.max_pool2d %2 {{{.*}}ceil_mode = false, activation_min = 0.000000e+00 : f32}
// CHECK-NEXT:    %4 = edge.conv2d %3, %c {{{.*}}groups = 1 : i64, activation_min = 0.000000e+00 : f32}
// CHECK-NEXT:    func.return %4
func.func @fuses(%x: tensor<1x8xf32>, %w: tensor<4x8xf32>, %c: tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32> {
  %0 = edge.linear %x, %w : (tensor<1x8xf32>, tensor<4x8xf32>) -> tensor<1x4xf32>
  %1 = edge.relu %0 : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %2 = edge.add %1, %1 : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  %3 = edge.relu %2 : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %4 = edge.reshape %3 : (tensor<1x4xf32>) -> tensor<1x1x2x2xf32>
  %5 = edge.max_pool2d %4 {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  %6 = edge.relu %5 : (tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  %7 = edge.conv2d %6, %c {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  %8 = edge.relu %7 : (tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  func.return %8 : tensor<1x1x1x1xf32>
}

// Clamps compose: clamp(relu(x), -1, 6) is clamp(x, 0, 6).
// CHECK-LABEL: @composes
// CHECK-NEXT:    %0 = edge.add %x, %x {activation_min = 0.000000e+00 : f32, activation_max = 6.000000e+00 : f32}
// CHECK-NEXT:    func.return %0
func.func @composes(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.add %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.clamp %1 {min = -1.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  func.return %2 : tensor<4xf32>
}

// With disjoint clamps the last one wins: clamp(clamp(x, 0, 2), 3, 6) is 3.
// CHECK-LABEL: @disjoint
// CHECK-NEXT:    %0 = edge.add %x, %x {activation_min = 3.000000e+00 : f32, activation_max = 3.000000e+00 : f32}
// CHECK-NEXT:    func.return %0
func.func @disjoint(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.add %x, %x {activation_min = 0.0 : f32, activation_max = 2.0 : f32} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.clamp %0 {min = 3.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  func.return %1 : tensor<4xf32>
}

// It fuses if both quantized types are equal, because rounding is monotone.
// CHECK-LABEL: @quantized
// CHECK-NEXT:    %0 = edge.add %x, %x {activation_min = 0.000000e+00 : f32}
// CHECK-NEXT:    func.return %0
func.func @quantized(%x: tensor<4x!q>) -> tensor<4x!q> {
  %0 = edge.add %x, %x : (tensor<4x!q>, tensor<4x!q>) -> tensor<4x!q>
  %1 = edge.relu %0 : (tensor<4x!q>) -> tensor<4x!q>
  func.return %1 : tensor<4x!q>
}

// It does not fuse between two types, because the result is rounded twice.
// CHECK-LABEL: @requantizes
// CHECK-NEXT:    %0 = edge.add %x, %x :
// CHECK-NEXT:    %1 = edge.relu %0
func.func @requantizes(%x: tensor<4x!q>) -> tensor<4x!p> {
  %0 = edge.add %x, %x : (tensor<4x!q>, tensor<4x!q>) -> tensor<4x!q>
  %1 = edge.relu %0 : (tensor<4x!q>) -> tensor<4x!p>
  func.return %1 : tensor<4x!p>
}

// Another op reads the sum before the clamp.
// CHECK-LABEL: @several_uses
// CHECK-NEXT:    %0 = edge.add %x, %x :
// CHECK-NEXT:    %1 = edge.relu %0
// CHECK-NEXT:    func.return %0, %1
func.func @several_uses(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = edge.add %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  func.return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// A float bound would make integers floats.
// CHECK-LABEL: @integers
// CHECK-NEXT:    %0 = edge.add %x, %x :
// CHECK-NEXT:    %1 = edge.relu %0
func.func @integers(%x: tensor<4xi64>) -> tensor<4xi64> {
  %0 = edge.add %x, %x : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  %1 = edge.relu %0 : (tensor<4xi64>) -> tensor<4xi64>
  func.return %1 : tensor<4xi64>
}

// Not every function clamps, and not every op ends in one.
// CHECK-LABEL: @others
// CHECK-NEXT:    %0 = edge.add %x, %x :
// CHECK-NEXT:    %1 = edge.tanh %0
// CHECK-NEXT:    %2 = edge.mul %1, %1 :
// CHECK-NEXT:    %3 = edge.relu %2
func.func @others(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.add %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.tanh %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.mul %1, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = edge.relu %2 : (tensor<4xf32>) -> tensor<4xf32>
  func.return %3 : tensor<4xf32>
}
