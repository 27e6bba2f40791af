/* Batched product of int16 matrices. */
#include "arm_nnfunctions.h"
#include "wide.h"

arm_cmsis_nn_status arm_batch_matmul_s16(const cmsis_nn_context *ctx,
                                         const cmsis_nn_bmm_params *bmm_params,
                                         const cmsis_nn_per_tensor_quant_params *quant_params,
                                         const cmsis_nn_dims *input_lhs_dims,
                                         const int16_t *input_lhs,
                                         const cmsis_nn_dims *input_rhs_dims,
                                         const int16_t *input_rhs,
                                         const cmsis_nn_dims *output_dims,
                                         int16_t *output)
{
    (void)ctx;
    if (input_lhs_dims->n != input_rhs_dims->n || input_lhs_dims->h != input_rhs_dims->h ||
        input_lhs_dims->c != input_rhs_dims->c) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const cmsis_nn_activation clamp = bmm_params->fc_params.activation;
    const int32_t reduced = cmopt_reduced(quant_params->multiplier);
    const int32_t depth = input_lhs_dims->c;
    for (int32_t item = 0; item < output_dims->n * output_dims->h; item++) {
        for (int32_t row = 0; row < input_lhs_dims->w; row++, input_lhs += depth) {
            const int16_t *column = input_rhs;
            for (int32_t i = 0; i < input_rhs_dims->w; i++, column += depth) {
                const int64_t sum = cmopt_dot_s16(0, input_lhs, column, depth);
                const int32_t value = cmopt_requantize_s64(sum, reduced, quant_params->shift);
                *output++ = (int16_t)cmopt_clamp(value, clamp.min, clamp.max);
            }
        }
        input_rhs += input_rhs_dims->w * depth;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
