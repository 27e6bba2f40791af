// RUN: cm-opt %s -p 'fall-back-to-float{npu="ethos-u55-128"},delegate-to-ethos-u{npu="ethos-u55-128"}' | filecheck %s

// An op that becomes float keeps the NPU's reason, and does not get "computes in float".

!t = !quant.uniform<i16:f32, 5.0e-02:3>

// CHECK-LABEL: func.func @forward
func.func @forward(%x: tensor<4x!t>) -> tensor<4x!t> {
  // CHECK: edge.add
  // CHECK-SAME: ethos_u.reason = "takes int16 with zero point 0, not 3"
  %y = edge.add %x, %x : (tensor<4x!t>, tensor<4x!t>) -> tensor<4x!t>
  func.return %y : tensor<4x!t>
}
