// RUN: cm-opt %s --pass-pipeline='builtin.module(verify-stage{stage=quantized})' --split-input-file --verify-diagnostics -o /dev/null

func.func @no_kernel(%x: tensor<4x!quant.uniform<i16:f32, 0.5>>) -> tensor<4x!quant.uniform<i16:f32, 0.5>> {
  // expected-error@+1 {{'edge.relu' op does not fit stage quantized: int16 needs kernels="cmopt"}}
  %0 = edge.relu %x : (tensor<4x!quant.uniform<i16:f32, 0.5>>) -> tensor<4x!quant.uniform<i16:f32, 0.5>>
  func.return %0 : tensor<4x!quant.uniform<i16:f32, 0.5>>
}

// -----

func.func @too_early(%x: tensor<4xi8>) -> tensor<2x2xi8> {
  // expected-error@+1 {{'cortex_m.view' op does not belong to stage quantized}}
  %0 = cortex_m.view %x : (tensor<4xi8>) -> tensor<2x2xi8>
  func.return %0 : tensor<2x2xi8>
}

// -----

// expected-error@+1 {{'func.func' op does not fit stage quantized: tensor<4xf32, #cortex_m.place<arena, 0>> already has a place}}
func.func @placed(%x: tensor<4xf32, #cortex_m.place<arena, 0>>) {
  func.return
}

// -----

func.func @foreign(%x: i32) -> i32 {
  // expected-error@+1 {{'arith.addi' op does not belong to stage quantized}}
  %0 = arith.addi %x, %x : i32
  func.return %0 : i32
}

// -----

// A memory order may still be there.
func.func @memory_order(%x: tensor<2x3xf32, #edge.dim_order<[1, 0]>>) -> tensor<2x3xf32> {
  %0 = edge.to_dim_order %x : (tensor<2x3xf32, #edge.dim_order<[1, 0]>>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}
