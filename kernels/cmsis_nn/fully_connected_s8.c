/* Products of rows with a weight matrix: fully connected, batched, and the weights' row sums. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "fixed_point.h"
#include "isa.h"
#ifdef CMOPT_MVE
#include "mve/fully_connected.h"
#else
#include "matrix.h"
#endif

/* output[r] for one input row of `columns` values and `rows` weight rows. */
static void multiply_row(const int8_t *input,
                         const int8_t *weights,
                         const int32_t *bias,
                         const cmsis_nn_fc_params *params,
                         const cmsis_nn_per_tensor_quant_params *quant,
                         int32_t columns,
                         int32_t rows,
                         int8_t *output)
{
#ifndef CMOPT_MVE
    if (params->input_offset >= -127 && params->input_offset <= 128) {
        cmopt_matrix m;
        m.weights = weights;
        m.columns = columns;
        m.channels = rows;
        m.start = bias;
        m.multipliers = &quant->multiplier;
        m.shifts = &quant->shift;
        m.step = 0;
        m.wide = false;
        cmopt_matrix_output(&m, &quant->multiplier, &quant->shift, 1, params->output_offset,
                            params->activation);
        /* sum(x * (w + offset)) = sum(x * w) + offset * sum(x) */
        int32_t more = 0;
        if (params->filter_offset != 0) {
            const int32_t offsets = cmopt_wrapping_mul(columns, params->input_offset);
            const int32_t sum = cmopt_wrapping_add(cmopt_sum(input, columns), offsets);
            more = cmopt_wrapping_mul(sum, params->filter_offset);
        }
        cmopt_matrix_row_from(&m, input, params->input_offset, more, output);
        return;
    }
#endif
    for (int32_t r = 0; r < rows; r++) {
        const int32_t sum =
            cmopt_dot_s8(bias != NULL ? bias[r] : 0, input, params->input_offset,
                         weights + r * columns, params->filter_offset, columns);
        output[r] = cmopt_finish_s8(sum, quant->multiplier, quant->shift, params->output_offset,
                                    params->activation.min, params->activation.max);
    }
}

arm_cmsis_nn_status arm_fully_connected_s8(const cmsis_nn_context *ctx,
                                           const cmsis_nn_fc_params *fc_params,
                                           const cmsis_nn_per_tensor_quant_params *quant_params,
                                           const cmsis_nn_dims *input_dims,
                                           const int8_t *input_data,
                                           const cmsis_nn_dims *filter_dims,
                                           const int8_t *filter_data,
                                           const cmsis_nn_dims *bias_dims,
                                           const int32_t *bias_data,
                                           const cmsis_nn_dims *output_dims,
                                           int8_t *output_data)
{
    (void)ctx;
    (void)bias_dims;
#ifdef CMOPT_MVE
    if (ctx->buf != NULL &&
        cmopt_mve_fully_connected(fc_params, quant_params, input_data, filter_data, ctx->buf,
                                  input_dims->n, filter_dims->n, output_dims->c, output_data)) {
        return ARM_CMSIS_NN_SUCCESS;
    }
    /* The sums have the bias and the input's offset. */
    cmsis_nn_fc_params without_offset = *fc_params;
    if (ctx->buf != NULL) {
        without_offset.input_offset = 0;
        fc_params = &without_offset;
        bias_data = ctx->buf;
    }
#endif
    for (int32_t n = 0; n < input_dims->n; n++) {
        multiply_row(input_data + n * filter_dims->n, filter_data, bias_data, fc_params,
                     quant_params, filter_dims->n, output_dims->c,
                     output_data + n * output_dims->c);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

int32_t arm_fully_connected_s8_get_buffer_size(const cmsis_nn_dims *filter_dims)
{
#ifdef CMOPT_MVE
    return filter_dims->c * (int32_t)sizeof(int32_t);
#else
    (void)filter_dims;
    return 0;
#endif
}

arm_cmsis_nn_status arm_vector_sum_s8(int32_t *vector_sum_buf,
                                      const int32_t vector_cols,
                                      const int32_t vector_rows,
                                      const int8_t *vector_data,
                                      const int32_t lhs_offset,
                                      const int32_t rhs_offset,
                                      const int32_t *bias_data)
{
    for (int32_t r = 0; r < vector_rows; r++) {
        uint32_t sum = (uint32_t)vector_cols * (uint32_t)rhs_offset;
        sum += (uint32_t)cmopt_sum(vector_data + r * vector_cols, vector_cols);
        vector_sum_buf[r] =
            cmopt_wrapping_add(cmopt_wrapping_mul((int32_t)sum, lhs_offset),
                               bias_data != NULL ? bias_data[r] : 0);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_batch_matmul_s8(const cmsis_nn_context *ctx,
                                        const cmsis_nn_bmm_params *bmm_params,
                                        const cmsis_nn_per_tensor_quant_params *quant_params,
                                        const cmsis_nn_dims *input_lhs_dims,
                                        const int8_t *input_lhs,
                                        const cmsis_nn_dims *input_rhs_dims,
                                        const int8_t *input_rhs,
                                        const cmsis_nn_dims *output_dims,
                                        int8_t *output)
{
    (void)ctx;
    const cmsis_nn_dims *left = input_lhs_dims;
    const cmsis_nn_dims *right = input_rhs_dims;
    if (left->c != right->c || output_dims->w != left->w || output_dims->c != right->w) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t left_size = left->w * left->c;
    const int32_t right_size = right->w * right->c;
    for (int32_t n = 0; n < output_dims->n; n++) {
        for (int32_t h = 0; h < output_dims->h; h++) {
            const int32_t left_batch = (left->n > 1 ? n : 0) * left->h + (left->h > 1 ? h : 0);
            const int32_t right_batch = (right->n > 1 ? n : 0) * right->h + (right->h > 1 ? h : 0);
#ifdef CMOPT_MVE
            int32_t *const sums = ctx->buf;
            const int8_t *const matrix = input_rhs + right_batch * right_size;
            arm_vector_sum_s8(sums, right->c, right->w, matrix, bmm_params->fc_params.input_offset,
                              bmm_params->fc_params.filter_offset, NULL);
            if (cmopt_mve_fully_connected(&bmm_params->fc_params, quant_params,
                                          input_lhs + left_batch * left_size, matrix, sums,
                                          left->w, left->c, right->w, output)) {
                output += left->w * right->w;
                continue;
            }
#endif
            for (int32_t row = 0; row < left->w; row++) {
                multiply_row(input_lhs + left_batch * left_size + row * left->c,
                             input_rhs + right_batch * right_size, NULL, &bmm_params->fc_params,
                             quant_params, left->c, right->w, output);
                output += right->w;
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
