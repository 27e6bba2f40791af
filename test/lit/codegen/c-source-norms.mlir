// RUN: rm -rf %t && mkdir %t
// RUN: cm-compile %s --kernels cmopt --name net -o %t/ > %t.report
// RUN: filecheck %s < %t/net.c
// RUN: filecheck %s --check-prefix REPORT < %t.report

// CHECK:      /* cmopt.layer_norm: int8 [2, 4] -> int16 [2, 4]{{.*}} */
// CHECK:        static const cmopt_norm norm = {.size = 4, .centered = true, .input_zero_point = -3,
// CHECK-NEXT:       .epsilon_multiplier = 1073741824, .epsilon_shift = -28, .weight = net_step_0_weight,
// CHECK-NEXT:       .bias = net_step_0_bias, .weight_step = 1, .bias_step = 0, .fraction_bits = 16,
// CHECK-NEXT:       .minimum = -32768, .maximum = 32767};
// CHECK:        cmopt_layer_norm_s8_s16({{.*}}, 2, &norm, {{.*}});

// REPORT: cmopt.layer_norm

!q = !quant.uniform<i8:f32, 0.0625:-3>
!a = !quant.uniform<i16:f32, 0.0009765625>
!w = !quant.uniform<i32:f32, 9.313225746154785e-10>

func.func @forward(%x: tensor<2x4x!q>) -> tensor<2x4x!a> {
  %0 = arith.constant dense<[1073741824, -536870912, 0, 536870912]> : tensor<4xi32>
  %w = quant.scast %0 : tensor<4xi32> to tensor<4x!w>
  %1 = edge.layer_norm %x, %w {inner_dims = 1 : i64, epsilon = 9.765625e-4 : f64, centered = true} : (tensor<2x4x!q>, tensor<4x!w>) -> tensor<2x4x!a>
  func.return %1 : tensor<2x4x!a>
}
