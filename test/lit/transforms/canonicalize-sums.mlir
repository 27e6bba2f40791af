// RUN: cm-opt %s -p canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.1:3>
!z = !quant.uniform<i8:f32, 0.5:-128>

// CHECK-LABEL: @zero
// CHECK-NEXT:    func.return %x, %x, %x
func.func @zero(%x: tensor<2x3x!q>) -> (tensor<2x3x!q>, tensor<2x3x!q>, tensor<2x3x!q>) {
  %c = arith.constant dense<-128> : tensor<1x3xi8>
  %z = quant.scast %c : tensor<1x3xi8> to tensor<1x3x!z>
  %0 = edge.add %x, %z : (tensor<2x3x!q>, tensor<1x3x!z>) -> tensor<2x3x!q>
  %1 = edge.add %z, %x : (tensor<1x3x!z>, tensor<2x3x!q>) -> tensor<2x3x!q>
  %2 = edge.sub %x, %z : (tensor<2x3x!q>, tensor<1x3x!z>) -> tensor<2x3x!q>
  func.return %0, %1, %2 : tensor<2x3x!q>, tensor<2x3x!q>, tensor<2x3x!q>
}

// Zero minus x, another type, another number, a clamp and a broadcast of x are sums.
// CHECK-LABEL: @others
// CHECK-COUNT-5: {{edge.add|edge.sub}}
func.func @others(%x: tensor<2x3x!q>, %y: tensor<3x!q>) -> (tensor<2x3x!q>, tensor<2x3x!z>, tensor<2x3x!q>, tensor<2x3x!q>, tensor<2x3x!q>) {
  %c = arith.constant dense<-128> : tensor<2x3xi8>
  %z = quant.scast %c : tensor<2x3xi8> to tensor<2x3x!z>
  %d = arith.constant dense<-127> : tensor<2x3xi8>
  %h = quant.scast %d : tensor<2x3xi8> to tensor<2x3x!z>
  %0 = edge.sub %z, %x : (tensor<2x3x!z>, tensor<2x3x!q>) -> tensor<2x3x!q>
  %1 = edge.add %x, %z : (tensor<2x3x!q>, tensor<2x3x!z>) -> tensor<2x3x!z>
  %2 = edge.add %x, %h : (tensor<2x3x!q>, tensor<2x3x!z>) -> tensor<2x3x!q>
  %3 = edge.add %x, %z {activation_min = 0.0 : f32} : (tensor<2x3x!q>, tensor<2x3x!z>) -> tensor<2x3x!q>
  %4 = edge.add %y, %z : (tensor<3x!q>, tensor<2x3x!z>) -> tensor<2x3x!q>
  func.return %0, %1, %2, %3, %4 : tensor<2x3x!q>, tensor<2x3x!z>, tensor<2x3x!q>, tensor<2x3x!q>, tensor<2x3x!q>
}

// In float, -0.0 + 0.0 is 0.0.
// CHECK-LABEL: @floats
// CHECK: edge.add
func.func @floats(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = arith.constant dense<0.0> : tensor<2xf32>
  %0 = edge.add %x, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %0 : tensor<2xf32>
}
