/* Convolution: every stride, padding, dilation, group count and batch size. A call outside what
 * convolve.h computes is computed by one loop nest. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "convolve.h"
#include "fixed_point.h"
#include "window.h"

/* The accumulator of one output value; `input` is one image at the group's first channel. */
static int32_t accumulate(const int8_t *input,
                          const cmsis_nn_dims *input_dims,
                          const int8_t *filter,
                          const cmsis_nn_dims *filter_dims,
                          const cmsis_nn_conv_params *params,
                          cmopt_window rows,
                          cmopt_window columns,
                          int32_t start)
{
    const int32_t depth = filter_dims->c;
    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
        const int32_t y = rows.origin + ky * params->dilation.h;
        for (int32_t kx = columns.begin; kx < columns.end; kx++) {
            const int32_t x = columns.origin + kx * params->dilation.w;
            start = cmopt_dot_s8(start,
                                 input + (y * input_dims->w + x) * input_dims->c,
                                 params->input_offset,
                                 filter + (ky * filter_dims->w + kx) * depth,
                                 0,
                                 depth);
        }
    }
    return start;
}

arm_cmsis_nn_status arm_convolve_wrapper_s8(const cmsis_nn_context *ctx,
                                            const cmsis_nn_conv_params *conv_params,
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
    (void)bias_dims;
    if (filter_dims->c < 1 || input_dims->c < filter_dims->c ||
        input_dims->c % filter_dims->c != 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t groups = input_dims->c / filter_dims->c;
    if (output_dims->c % groups != 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    if (cmopt_convolve(ctx, conv_params, quant_params, input_dims, input_data, filter_dims,
                       filter_data, bias_data, output_dims, output_data)) {
        return ARM_CMSIS_NN_SUCCESS;
    }
    const int32_t outputs_per_group = output_dims->c / groups;
    const int32_t filter_size = filter_dims->h * filter_dims->w * filter_dims->c;
    const int32_t image_size = input_dims->h * input_dims->w * input_dims->c;

    for (int32_t n = 0; n < input_dims->n; n++) {
        const int8_t *image = input_data + n * image_size;
        for (int32_t oy = 0; oy < output_dims->h; oy++) {
            const cmopt_window rows =
                cmopt_window_at(oy, conv_params->stride.h, conv_params->padding.h,
                                conv_params->dilation.h, filter_dims->h, input_dims->h);
            for (int32_t ox = 0; ox < output_dims->w; ox++) {
                const cmopt_window columns =
                    cmopt_window_at(ox, conv_params->stride.w, conv_params->padding.w,
                                    conv_params->dilation.w, filter_dims->w, input_dims->w);
                for (int32_t oc = 0; oc < output_dims->c; oc++) {
                    const int32_t group = oc / outputs_per_group;
                    const int32_t sum = accumulate(
                        image + group * filter_dims->c, input_dims, filter_data + oc * filter_size,
                        filter_dims, conv_params, rows, columns,
                        bias_data != NULL ? bias_data[oc] : 0);
                    *output_data++ = cmopt_finish_s8(
                        sum, quant_params->multiplier[oc], quant_params->shift[oc],
                        conv_params->output_offset, conv_params->activation.min,
                        conv_params->activation.max);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

int32_t arm_convolve_wrapper_s8_get_buffer_size(const cmsis_nn_conv_params *conv_params,
                                                const cmsis_nn_dims *input_dims,
                                                const cmsis_nn_dims *filter_dims,
                                                const cmsis_nn_dims *output_dims)
{
    (void)output_dims;
    return cmopt_convolve_bytes(conv_params, input_dims, filter_dims);
}
