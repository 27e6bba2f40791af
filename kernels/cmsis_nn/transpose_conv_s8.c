/*
 * Transposed convolution by gathering: output row oy depends on input row iy and filter row ky
 * exactly if oy + padding = iy * stride + ky. Each output is written once, so no row buffer is
 * needed, and every combination of kernel, stride and padding stays in bounds.
 */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "fixed_point.h"

/* The input index that tap `tap` of output position `out` reads, or -1 if there is none. */
static int32_t source(int32_t out, int32_t tap, int32_t stride, int32_t padding, int32_t size)
{
    const int32_t distance = out + padding - tap;
    if (distance < 0 || distance % stride != 0) {
        return -1;
    }
    const int32_t index = distance / stride;
    return index < size ? index : -1;
}

static int32_t accumulate(const int8_t *image,
                          const cmsis_nn_dims *input_dims,
                          const int8_t *filter,
                          const cmsis_nn_dims *filter_dims,
                          const cmsis_nn_transpose_conv_params *p,
                          int32_t oy,
                          int32_t ox,
                          int32_t sum)
{
    const int32_t depth = input_dims->c;
    for (int32_t ky = 0; ky < filter_dims->h; ky++) {
        const int32_t iy = source(oy, ky, p->stride.h, p->padding.h, input_dims->h);
        if (iy < 0) {
            continue;
        }
        for (int32_t kx = 0; kx < filter_dims->w; kx++) {
            const int32_t ix = source(ox, kx, p->stride.w, p->padding.w, input_dims->w);
            if (ix < 0) {
                continue;
            }
            sum = cmopt_dot_s8(sum, image + (iy * input_dims->w + ix) * depth, p->input_offset,
                               filter + (ky * filter_dims->w + kx) * depth, 0, depth);
        }
    }
    return sum;
}

arm_cmsis_nn_status
arm_transpose_conv_wrapper_s8(const cmsis_nn_context *ctx,
                              const cmsis_nn_context *output_ctx,
                              const cmsis_nn_transpose_conv_params *transpose_conv_params,
                              const cmsis_nn_per_channel_quant_params *quant_params,
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
    (void)output_ctx;
    (void)bias_dims;
    const cmsis_nn_transpose_conv_params *p = transpose_conv_params;
    if (filter_dims->c != input_dims->c || p->dilation.h != 1 || p->dilation.w != 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t image_size = input_dims->h * input_dims->w * input_dims->c;
    const int32_t filter_size = filter_dims->h * filter_dims->w * filter_dims->c;

    for (int32_t n = 0; n < input_dims->n; n++) {
        const int8_t *image = input_data + n * image_size;
        for (int32_t oy = 0; oy < output_dims->h; oy++) {
            for (int32_t ox = 0; ox < output_dims->w; ox++) {
                for (int32_t oc = 0; oc < output_dims->c; oc++) {
                    const int32_t sum =
                        accumulate(image, input_dims, filter_data + oc * filter_size, filter_dims,
                                   p, oy, ox, bias_data != NULL ? bias_data[oc] : 0);
                    *output_data++ = cmopt_finish_s8(
                        sum, quant_params->multiplier[oc], quant_params->shift[oc],
                        p->output_offset, p->activation.min, p->activation.max);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

int32_t arm_transpose_conv_s8_get_buffer_size(
    const cmsis_nn_transpose_conv_params *transposed_conv_params,
    const cmsis_nn_dims *input_dims,
    const cmsis_nn_dims *filter_dims,
    const cmsis_nn_dims *out_dims)
{
    (void)transposed_conv_params;
    (void)input_dims;
    (void)filter_dims;
    (void)out_dims;
    return 0;
}

int32_t arm_transpose_conv_s8_get_reverse_conv_buffer_size(
    const cmsis_nn_transpose_conv_params *transposed_conv_params,
    const cmsis_nn_dims *input_dims,
    const cmsis_nn_dims *filter_dims)
{
    (void)transposed_conv_params;
    (void)input_dims;
    (void)filter_dims;
    return 0;
}
