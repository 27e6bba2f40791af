/* Depthwise convolution with a channel multiplier. Channels that depthwise.h does not compute are
 * computed one by one. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "fixed_point.h"
#include "isa.h"
#include "window.h"
#ifdef CMOPT_MVE
#include "mve/depthwise.h"
#else
#include "depthwise.h"
#endif

arm_cmsis_nn_status
arm_depthwise_conv_wrapper_s8(const cmsis_nn_context *ctx,
                              const cmsis_nn_dw_conv_params *dw_conv_params,
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
    (void)bias_dims;
    const cmsis_nn_dw_conv_params *p = dw_conv_params;
    if (p->ch_mult < 1 || output_dims->c != input_dims->c * p->ch_mult) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
#ifdef CMOPT_MVE
    if (cmopt_mve_depthwise_conv(ctx, p, quant_params, input_dims, input_data, filter_dims,
                                 filter_data, bias_data, output_dims, output_data)) {
        return ARM_CMSIS_NN_SUCCESS;
    }
    const int32_t done = 0;
#else
    const int32_t done =
        cmopt_depthwise_conv(p, quant_params, input_dims, input_data, filter_dims, filter_data,
                             bias_data, output_dims, output_data);
#endif
    const int32_t image_size = input_dims->h * input_dims->w * input_dims->c;

    for (int32_t n = 0; n < input_dims->n && done < output_dims->c; n++) {
        const int8_t *image = input_data + n * image_size;
        for (int32_t oy = 0; oy < output_dims->h; oy++) {
            const cmopt_window rows = cmopt_window_at(oy, p->stride.h, p->padding.h, p->dilation.h,
                                                      filter_dims->h, input_dims->h);
            for (int32_t ox = 0; ox < output_dims->w; ox++) {
                const cmopt_window columns =
                    cmopt_window_at(ox, p->stride.w, p->padding.w, p->dilation.w, filter_dims->w,
                                    input_dims->w);
                output_data += done;
                for (int32_t oc = done; oc < output_dims->c; oc++) {
                    const int32_t ic = oc / p->ch_mult;
                    uint32_t sum = bias_data != NULL ? (uint32_t)bias_data[oc] : 0u;
                    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
                        const int32_t y = rows.origin + ky * p->dilation.h;
                        for (int32_t kx = columns.begin; kx < columns.end; kx++) {
                            const int32_t x = columns.origin + kx * p->dilation.w;
                            const int32_t value =
                                image[(y * input_dims->w + x) * input_dims->c + ic] +
                                p->input_offset;
                            sum += (uint32_t)(value *
                                              filter_data[(ky * filter_dims->w + kx) *
                                                              output_dims->c + oc]);
                        }
                    }
                    *output_data++ = cmopt_finish_s8(
                        (int32_t)sum, quant_params->multiplier[oc], quant_params->shift[oc],
                        p->output_offset, p->activation.min, p->activation.max);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size(const cmsis_nn_dw_conv_params *dw_conv_params,
                                                      const cmsis_nn_dims *input_dims,
                                                      const cmsis_nn_dims *filter_dims,
                                                      const cmsis_nn_dims *output_dims)
{
#ifdef CMOPT_MVE
    if (cmopt_mve_depthwise_fits(dw_conv_params, input_dims, filter_dims, output_dims)) {
        return cmopt_mve_depthwise_bytes(dw_conv_params, input_dims, filter_dims, output_dims);
    }
#endif
    (void)dw_conv_params;
    (void)input_dims;
    (void)filter_dims;
    (void)output_dims;
    return 0;
}
