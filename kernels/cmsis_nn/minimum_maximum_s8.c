/* Elementwise minimum and maximum with broadcasting. */
#include "arm_nnfunctions.h"

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* Element strides of a row-major tensor. A dimension of size 1 has stride 0, which repeats it. */
static cmsis_nn_dims broadcast_strides(const cmsis_nn_dims *dims)
{
    cmsis_nn_dims strides;
    strides.n = dims->n == 1 ? 0 : dims->h * dims->w * dims->c;
    strides.h = dims->h == 1 ? 0 : dims->w * dims->c;
    strides.w = dims->w == 1 ? 0 : dims->c;
    strides.c = dims->c == 1 ? 0 : 1;
    return strides;
}

static bool fits(int32_t a, int32_t b, int32_t out)
{
    return (a == b || a == 1 || b == 1) && out == (a == 1 ? b : larger(a, b));
}

static arm_cmsis_nn_status select_s8(bool take_larger,
                                     const int8_t *input_1,
                                     const cmsis_nn_dims *dims_1,
                                     const int8_t *input_2,
                                     const cmsis_nn_dims *dims_2,
                                     int8_t *output,
                                     const cmsis_nn_dims *out)
{
    if (!fits(dims_1->n, dims_2->n, out->n) || !fits(dims_1->h, dims_2->h, out->h) ||
        !fits(dims_1->w, dims_2->w, out->w) || !fits(dims_1->c, dims_2->c, out->c)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const cmsis_nn_dims s1 = broadcast_strides(dims_1);
    const cmsis_nn_dims s2 = broadcast_strides(dims_2);
    for (int32_t n = 0; n < out->n; n++) {
        for (int32_t h = 0; h < out->h; h++) {
            for (int32_t w = 0; w < out->w; w++) {
                const int8_t *a = input_1 + n * s1.n + h * s1.h + w * s1.w;
                const int8_t *b = input_2 + n * s2.n + h * s2.h + w * s2.w;
                for (int32_t c = 0; c < out->c; c++) {
                    const int8_t x = a[c * s1.c];
                    const int8_t y = b[c * s2.c];
                    *output++ = (x > y) == take_larger ? x : y;
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_minimum_s8(const cmsis_nn_context *ctx,
                                   const int8_t *input_1_data,
                                   const cmsis_nn_dims *input_1_dims,
                                   const int8_t *input_2_data,
                                   const cmsis_nn_dims *input_2_dims,
                                   int8_t *output_data,
                                   const cmsis_nn_dims *output_dims)
{
    (void)ctx;
    return select_s8(false, input_1_data, input_1_dims, input_2_data, input_2_dims, output_data,
                     output_dims);
}

arm_cmsis_nn_status arm_maximum_s8(const cmsis_nn_context *ctx,
                                   const int8_t *input_1_data,
                                   const cmsis_nn_dims *input_1_dims,
                                   const int8_t *input_2_data,
                                   const cmsis_nn_dims *input_2_dims,
                                   int8_t *output_data,
                                   const cmsis_nn_dims *output_dims)
{
    (void)ctx;
    return select_s8(true, input_1_data, input_1_dims, input_2_data, input_2_dims, output_data,
                     output_dims);
}
