// RUN: cm-opt %s -p 'convert-edge-to-cortex-m{target="cortex-m55"},canonicalize' | filecheck %s

// The kernel for matrices counts in 16 bits: larger ones are transposed with three dimensions.

!t = !quant.uniform<i8:f32, 5.0e-02:-3>

// CHECK-LABEL: func.func @large
func.func @large(%x: tensor<1x3x182x182x!t>) -> tensor<1x182x182x3x!t> {
  // CHECK: cortex_m.transpose {{.*}} {perm = array<i64: 1, 0, 2>} : (tensor<3x33124x1xi8>) -> tensor<33124x3x1xi8>
  %y = edge.permute %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x182x182x!t>) -> tensor<1x182x182x3x!t>
  func.return %y : tensor<1x182x182x3x!t>
}

// CHECK-LABEL: func.func @small
func.func @small(%x: tensor<1x3x181x181x!t>) -> tensor<1x181x181x3x!t> {
  // CHECK: cortex_m.transpose {{.*}} {perm = array<i64: 1, 0>} : (tensor<3x32761xi8>) -> tensor<32761x3xi8>
  %y = edge.permute %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x181x181x!t>) -> tensor<1x181x181x3x!t>
  func.return %y : tensor<1x181x181x3x!t>
}
