// A planned program as C: each kernel call is a step, with its parameters, places and line.
// RUN: cm-compile %s --target cortex-m3 --name net -o %t/ > %t.report
// RUN: filecheck %s < %t/net.c
// RUN: filecheck %s --check-prefix HEADER < %t/net.h
// RUN: filecheck %s --check-prefix REPORT < %t.report

func.func @forward(%x: tensor<1x2x2x1xi8> {edge.name = "image", edge.dim_order = array<i64: 0, 2, 3, 1>}) -> (tensor<4xi8> {edge.name = "scores"}) {
  %w = arith.constant dense<[[[[3]]]]> : tensor<1x1x1x1xi8>
  %b = arith.constant dense<-7> : tensor<1xi32>
  %m = arith.constant dense<1400000000> : tensor<1xi32>
  %s = arith.constant dense<-6> : tensor<1xi32>
  %t = cortex_m.scratch : tensor<8xi8>
  %y = cortex_m.quantized_conv2d %x, %w bias %b requantize %m, %s scratch %t
    {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>,
     input_offset = 5 : i32, output_offset = -7 : i32, activation_min = -100 : i32,
     activation_max = 120 : i32}
    : (tensor<1x2x2x1xi8>, tensor<1x1x1x1xi8>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<8xi8>)
    -> tensor<1x2x2x1xi8>
  %v = cortex_m.view %y : (tensor<1x2x2x1xi8>) -> tensor<4xi8>
  func.return %v : tensor<4xi8>
}

// CHECK:      #ifndef NET_SCRATCH
// CHECK:      /* quantized_conv2d: int8 [1, 2, 2, 1] -> int8 [1, 2, 2, 1]{{.*}} */
// CHECK-NEXT: static int step_0(int8_t *arena)
// CHECK:        const cmsis_nn_context scratch = {NET_SCRATCH(arena + {{[0-9]+}}, 8), 8};
// CHECK-NEXT:   static const cmsis_nn_conv_params params = {.input_offset = 5, .output_offset = -7,
// CHECK-NEXT:       .stride = {.w = 1, .h = 1}, .padding = {.w = 0, .h = 0}, .dilation = {.w = 1, .h = 1},
// CHECK-NEXT:       .activation = {.min = -100, .max = 120}};
// CHECK:        static const cmsis_nn_dims input_dims = {.n = 1, .h = 2, .w = 2, .c = 1};
// CHECK:        const int32_t scratch_needed = arm_convolve_wrapper_s8_get_buffer_size(&params, &input_dims,
// CHECK-NEXT:       &filter_dims, &output_dims);
// CHECK-NEXT:   if (scratch_needed > scratch.size) {
// CHECK:          return ARM_CMSIS_NN_ARG_ERROR;
// CHECK:        return arm_convolve_wrapper_s8(&scratch, &params, &quant, &input_dims,
// CHECK:      int net_run(void *arena, const void *const *inputs, void *const *outputs)
// CHECK:        memmove((int8_t *)arena + {{[0-9]+}}, inputs[0], 4);
// CHECK:        NET_STEP(0, step_0);
// CHECK-NOT:    NET_STEP
// CHECK:        memmove(outputs[0], (const int8_t *)arena + {{[0-9]+}}, 4);

// HEADER:      #define NET_ARENA_BYTES
// HEADER:      /* image */
// HEADER-NEXT: #define NET_INPUT_0_TYPE int8_t
// HEADER-NEXT: #define NET_INPUT_0_RANK 4
// HEADER-NEXT: #define NET_INPUT_0_SHAPE {1, 1, 2, 2}
// HEADER-NEXT: #define NET_INPUT_0_DIM_ORDER {0, 2, 3, 1}
// HEADER-NEXT: #define NET_INPUT_0_BYTES 4
// HEADER-NEXT: #define NET_INPUT_0_OFFSET
// HEADER:      int net_run(void *arena, const void *const *inputs, void *const *outputs);

// REPORT: cortex_m.quantized_conv2d
