/* Permutation of up to four dimensions. */
#include <string.h>

#include "arm_nnfunctions.h"
#include "isa.h"
#ifdef CMOPT_MVE
#include "mve/move.h"
#endif

/* One axis: its size, and the distance of its elements in the input and in the output. */
typedef struct {
    int32_t size;
    int32_t from;
    int32_t to;
} transpose_axis;

/* to[i * axis.to] = from[i * axis.from]. */
static void move(const int8_t *from, int8_t *to, transpose_axis axis)
{
    if (axis.from == 1 && axis.to == 1) {
        memcpy(to, from, (size_t)axis.size);
        return;
    }
#ifdef CMOPT_MVE
    if (axis.to == 1 && axis.from <= CMOPT_FAR_STEP) {
        cmopt_mve_move(to, from, axis.from, false, axis.size);
        return;
    }
    if (axis.from == 1 && axis.to <= CMOPT_FAR_STEP) {
        cmopt_mve_move(to, from, axis.to, true, axis.size);
        return;
    }
#endif
    int32_t left = axis.size;
    for (; left >= 4; left -= 4, to += 4 * axis.to, from += 4 * axis.from) {
        to[0] = from[0];
        to[axis.to] = from[axis.from];
        to[2 * axis.to] = from[2 * axis.from];
        to[3 * axis.to] = from[3 * axis.from];
    }
    for (; left > 0; left--, to += axis.to, from += axis.from) {
        *to = *from;
    }
}

/* How much an axis saves as the innermost one: long axes, and adjacent bytes. */
static int32_t preference(transpose_axis axis)
{
    return axis.size < 2 ? 0 : axis.from == 1 || axis.to == 1 ? 2 * (axis.size - 1) : 1;
}

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
    transpose_axis axes[4] = {{1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}};
    for (int32_t i = rank - 1, step = 1; i >= 0; i--) {
        const uint32_t from = transpose_params->permutations[i];
        if (from >= (uint32_t)rank) {
            return ARM_CMSIS_NN_ARG_ERROR;
        }
        const transpose_axis axis = {in_sizes[from], in_strides[from], step};
        axes[4 - rank + i] = axis;
        step *= axis.size;
    }
    for (int32_t i = 0; i < 3; i++) {
        if (preference(axes[i]) > preference(axes[3])) {
            const transpose_axis inner = axes[i];
            axes[i] = axes[3];
            axes[3] = inner;
        }
    }
    for (int32_t a = 0; a < axes[0].size; a++) {
        for (int32_t b = 0; b < axes[1].size; b++) {
            for (int32_t c = 0; c < axes[2].size; c++) {
                move(input_data + a * axes[0].from + b * axes[1].from + c * axes[2].from,
                     output_data + a * axes[0].to + b * axes[1].to + c * axes[2].to, axes[3]);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
