/* Permutation of up to four dimensions. */
#include "arm_nnfunctions.h"

arm_cmsis_nn_status arm_transpose_s8(const int8_t *input_data,
                                     int8_t *const output_data,
                                     const cmsis_nn_dims *const input_dims,
                                     const cmsis_nn_dims *const output_dims,
                                     const cmsis_nn_transpose_params *const transpose_params)
{
    (void)output_dims;
    const int32_t rank = transpose_params->num_dims;
    if (rank < 1 || rank > 4) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t in_sizes[4] = {input_dims->n, input_dims->h, input_dims->w, input_dims->c};
    int32_t in_strides[4] = {0, 0, 0, 0};
    for (int32_t i = rank - 1, stride = 1; i >= 0; i--) {
        in_strides[i] = stride;
        stride *= in_sizes[i];
    }
    /* Right-aligned to four dimensions, in the order of the output. */
    int32_t sizes[4] = {1, 1, 1, 1};
    int32_t strides[4] = {0, 0, 0, 0};
    for (int32_t i = 0; i < rank; i++) {
        const uint32_t from = transpose_params->permutations[i];
        if (from >= (uint32_t)rank) {
            return ARM_CMSIS_NN_ARG_ERROR;
        }
        sizes[4 - rank + i] = in_sizes[from];
        strides[4 - rank + i] = in_strides[from];
    }
    int8_t *out = output_data;
    for (int32_t a = 0; a < sizes[0]; a++) {
        for (int32_t b = 0; b < sizes[1]; b++) {
            for (int32_t c = 0; c < sizes[2]; c++) {
                const int8_t *in = input_data + a * strides[0] + b * strides[1] + c * strides[2];
                for (int32_t d = 0; d < sizes[3]; d++) {
                    *out++ = in[d * strides[3]];
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
