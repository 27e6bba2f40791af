/* Depthwise convolution of int16 activations with a channel multiplier. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "wide.h"
#include "window.h"

arm_cmsis_nn_status
arm_depthwise_conv_wrapper_s16(const cmsis_nn_context *ctx,
                               const cmsis_nn_dw_conv_params *dw_conv_params,
                               const cmsis_nn_per_channel_quant_params *quant_params,
                               const cmsis_nn_dims *input_dims,
                               const int16_t *input_data,
                               const cmsis_nn_dims *filter_dims,
                               const int8_t *filter_data,
                               const cmsis_nn_dims *bias_dims,
                               const int64_t *bias_data,
                               const cmsis_nn_dims *output_dims,
                               int16_t *output_data)
{
    (void)ctx;
    (void)bias_dims;
    const cmsis_nn_dw_conv_params *p = dw_conv_params;
    if (p->ch_mult < 1 || output_dims->c != input_dims->c * p->ch_mult) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t image_size = input_dims->h * input_dims->w * input_dims->c;
    for (int32_t n = 0; n < input_dims->n; n++) {
        const int16_t *image = input_data + n * image_size;
        for (int32_t oy = 0; oy < output_dims->h; oy++) {
            const cmopt_window rows = cmopt_window_at(oy, p->stride.h, p->padding.h, p->dilation.h,
                                                      filter_dims->h, input_dims->h);
            for (int32_t ox = 0; ox < output_dims->w; ox++) {
                const cmopt_window columns =
                    cmopt_window_at(ox, p->stride.w, p->padding.w, p->dilation.w, filter_dims->w,
                                    input_dims->w);
                for (int32_t oc = 0; oc < output_dims->c; oc++) {
                    int64_t sum = bias_data != NULL ? bias_data[oc] : 0;
                    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
                        const int32_t y = rows.origin + ky * p->dilation.h;
                        for (int32_t kx = columns.begin; kx < columns.end; kx++) {
                            const int32_t x = columns.origin + kx * p->dilation.w;
                            const int32_t value = image[(y * input_dims->w + x) * input_dims->c +
                                                        oc / p->ch_mult];
                            sum += value *
                                   filter_data[(ky * filter_dims->w + kx) * output_dims->c + oc];
                        }
                    }
                    const int32_t reduced = cmopt_reduced(quant_params->multiplier[oc]);
                    const int32_t result =
                        cmopt_requantize_s64(sum, reduced, quant_params->shift[oc]);
                    *output_data++ =
                        (int16_t)cmopt_clamp(result, p->activation.min, p->activation.max);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

int32_t
arm_depthwise_conv_wrapper_s16_get_buffer_size(const cmsis_nn_dw_conv_params *dw_conv_params,
                                               const cmsis_nn_dims *input_dims,
                                               const cmsis_nn_dims *filter_dims,
                                               const cmsis_nn_dims *output_dims)
{
    (void)dw_conv_params;
    (void)input_dims;
    (void)filter_dims;
    (void)output_dims;
    return 0;
}
