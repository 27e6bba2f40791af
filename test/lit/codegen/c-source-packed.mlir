// Packed weights in C: the call has the sizes of the filters, and the constant two weights in a byte.
// RUN: cm-compile %s --target cortex-m3 --kernels cmopt --io int8 --name net -o %t/ > %t.report
// RUN: filecheck %s < %t/net.c
// RUN: filecheck %s --check-prefix WEIGHTS < %t/net_weights.c
// RUN: filecheck %s --check-prefix REPORT < %t.report
// RUN: cm-compile %s --target cortex-m3 --kernels cmopt --io int8 --emit header -o %t.h
// RUN: filecheck %s --check-prefix HEADER < %t.h

!x = !quant.uniform<i8:f32, 0.05:3>
!w = !quant.uniform<i8<-7:7>:f32, 0.1>
!y = !quant.uniform<i8:f32, 0.1>

func.func @forward(%x: tensor<2x3x!x>) -> tensor<2x2x!y> {
  %w = arith.constant dense<[[1, 2, 3], [-1, -6, 5]]> : tensor<2x3xi8>
  %q = quant.scast %w : tensor<2x3xi8> to tensor<2x3x!w>
  %0 = edge.linear %x, %q : (tensor<2x3x!x>, tensor<2x3x!w>) -> tensor<2x2x!y>
  func.return %0 : tensor<2x2x!y>
}

// CHECK:      #include "cmopt_packed.h"
// CHECK:      /* cmopt.packed_conv2d: int8 [2, 1, 1, 3] -> int8 [2, 1, 1, 2]{{.*}} */
// CHECK:        static const cmsis_nn_dims filter_dims = {.n = 2, .h = 1, .w = 1, .c = 3};
// CHECK:        const int32_t scratch_needed = cmopt_convolve_s4_get_buffer_size(&params, &input_dims,
// CHECK:        return cmopt_convolve_s4(&scratch, &params, &quant, &input_dims,

// WEIGHTS:      const int8_t net_step_0_weight[] = {
// WEIGHTS-NEXT:     33, -13, 90,

// REPORT: cmopt.packed_conv2d

// HEADER: #define {{.*}}_OPERATORS {"cmopt::packed_conv2d.out"}
// HEADER: #define {{.*}}_NEEDS_CMOPT_OPERATORS 1
