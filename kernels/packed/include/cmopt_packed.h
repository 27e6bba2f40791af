/*
 * Layers of int8 whose weights have 4 bits, two in a byte. C99, without a heap.
 *
 * Weight i of a filter bank is in byte i / 2: in the lower 4 bits if i is even, else in the upper
 * ones. Filters follow each other without a gap, so one may begin in the middle of a byte. CMSIS-NN
 * packs the weights of its s4 functions in the same way.
 */
#ifndef CMOPT_PACKED_H
#define CMOPT_PACKED_H

#include <stdint.h>

#include "arm_nnfunctions.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes that arm_convolve_wrapper_s8 gives for the same weights in a byte each, on every core.
 * filter_dims: {output channels, height, width, input channels of a group}. sums: for each output
 * channel, the bias plus the input's offset times the sum of the weights. ctx: a buffer at a multiple of 4, of at least the size that the function below
 * returns. Its rest holds more filters, a byte for each weight: as many as fit are computed in one
 * pass over the input, 64 at most. */
arm_cmsis_nn_status cmopt_convolve_s4(const cmsis_nn_context *ctx,
                                      const cmsis_nn_conv_params *conv_params,
                                      const cmsis_nn_per_channel_quant_params *quant_params,
                                      const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                      const cmsis_nn_dims *filter_dims, const int8_t *filter_data,
                                      const cmsis_nn_dims *sums_dims, const int32_t *sums,
                                      const cmsis_nn_dims *output_dims, int8_t *output_data);

/* One filter in a byte for each weight and, unless a window is one pixel, four bytes for each weight.
 * It is the same on every core. */
int32_t cmopt_convolve_s4_get_buffer_size(const cmsis_nn_conv_params *conv_params,
                                          const cmsis_nn_dims *input_dims,
                                          const cmsis_nn_dims *filter_dims,
                                          const cmsis_nn_dims *output_dims);

#ifdef __cplusplus
}
#endif

#endif /* CMOPT_PACKED_H */
