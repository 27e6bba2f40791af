// RUN: cm-opt %s -p convert-edge-to-cortex-m --verify-diagnostics -o /dev/null

func.func @forward(%x: tensor<1000000000x!quant.uniform<i16:f32, 0.5>>) -> tensor<1000000000x!quant.uniform<i8:f32, 0.25>> {
  // expected-error@+1 {{'quant.dcast' op a tensor has 4000000000 bytes, more than 2147483647}}
  %0 = quant.dcast %x : tensor<1000000000x!quant.uniform<i16:f32, 0.5>> to tensor<1000000000xf32>
  %1 = quant.qcast %0 : tensor<1000000000xf32> to tensor<1000000000x!quant.uniform<i8:f32, 0.25>>
  func.return %1 : tensor<1000000000x!quant.uniform<i8:f32, 0.25>>
}
