// RUN: DIAGNOSTICS -p 'verify-stage{stage=cortex_m}'

func.func @forward(%x: tensor<4xf32>) -> tensor<4x!quant.uniform<i32:f32, 1.0>> {
  // expected-error@+1 {{'quant.qcast' op has no kernel for tensor<4x!quant.uniform<i32:f32, 1.0>> at run time; kernels quantize per tensor, to 8 or 16 bits}}
  %q = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i32:f32, 1.0>>
  func.return %q : tensor<4x!quant.uniform<i32:f32, 1.0>>
}
