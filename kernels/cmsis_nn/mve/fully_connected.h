/*
 * Fully connected layers and batched products with vectors.
 *
 * The sum of (x + a)(w + b) is that of x * w, plus a * sum(w + b), which is part of the kernel
 * sums, plus b * sum(x).
 */
#ifndef CMOPT_CMSIS_NN_MVE_FULLY_CONNECTED_H
#define CMOPT_CMSIS_NN_MVE_FULLY_CONNECTED_H

#include "matrix.h"

/* `rows` rows of `columns` values, times `outputs` rows of weights. `sums` are those of
 * arm_vector_sum_s8. False if it has to be computed otherwise. */
static bool cmopt_mve_fully_connected(const cmsis_nn_fc_params *params,
                                      const cmsis_nn_per_tensor_quant_params *quant,
                                      const int8_t *input,
                                      const int8_t *weights,
                                      const int32_t *sums,
                                      int32_t rows,
                                      int32_t columns,
                                      int32_t outputs,
                                      int8_t *output)
{
    cmopt_matrix m;
    if (!cmopt_matrix_output(&m, &quant->multiplier, &quant->shift, 1, params->output_offset,
                             params->activation)) {
        return false;
    }
    int32_t multipliers[CMOPT_MATRIX_LANES];
    int32_t shifts[CMOPT_MATRIX_LANES];
    for (int32_t i = 0; i < CMOPT_MATRIX_LANES; i++) {
        multipliers[i] = quant->multiplier;
        shifts[i] = quant->shift;
    }
    m.weights = weights;
    m.columns = columns;
    m.channels = outputs;
    m.start = sums;
    m.multipliers = multipliers;
    m.shifts = shifts;
    m.step = 0;
    cmopt_matrix_begin(&m);
    if (params->filter_offset == 0) {
        for (; rows >= CMOPT_MATRIX_ROWS; rows -= CMOPT_MATRIX_ROWS) {
            const int8_t *const x[CMOPT_MATRIX_ROWS] = {input, input + columns,
                                                        input + 2 * columns};
            int8_t *const to[CMOPT_MATRIX_ROWS] = {output, output + outputs, output + 2 * outputs};
            cmopt_matrix_rows(&m, x, to);
            input += CMOPT_MATRIX_ROWS * columns;
            output += CMOPT_MATRIX_ROWS * outputs;
        }
    }
    for (; rows > 0; rows--, input += columns, output += outputs) {
        const int32_t more =
            params->filter_offset == 0
                ? 0
                : cmopt_wrapping_mul(cmopt_sum(input, columns), params->filter_offset);
        cmopt_matrix_row(&m, input, more, output);
    }
    return true;
}

#endif /* CMOPT_CMSIS_NN_MVE_FULLY_CONNECTED_H */
