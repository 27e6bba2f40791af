/* Convolution of int16 activations: every stride, padding, dilation and batch size, no groups. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "wide.h"
#include "window.h"

/* One window: its taps inside the input, and the pixel of its first tap. */
typedef struct {
    cmopt_window rows;
    cmopt_window columns;
    const int16_t *image;
} window_s16;

typedef struct {
    const cmsis_nn_conv_params *params;
    const cmsis_nn_dims *in;
    const cmsis_nn_dims *filter;
} convolution_s16;

static int64_t long_sum(const convolution_s16 *call, const window_s16 *at, const int8_t *filter,
                        int64_t sum)
{
    const int32_t depth = call->in->c;
    for (int32_t ky = at->rows.begin; ky < at->rows.end; ky++) {
        const int32_t y = at->rows.origin + ky * call->params->dilation.h;
        for (int32_t kx = at->columns.begin; kx < at->columns.end; kx++) {
            const int32_t x = at->columns.origin + kx * call->params->dilation.w;
            sum = cmopt_long_dot_s16_s8(sum, at->image + (y * call->in->w + x) * depth,
                                        filter + (ky * call->filter->w + kx) * depth, depth);
        }
    }
    return sum;
}

static int32_t short_sum(const convolution_s16 *call, const window_s16 *at, const int8_t *filter,
                         int32_t sum)
{
    const int32_t depth = call->in->c;
    for (int32_t ky = at->rows.begin; ky < at->rows.end; ky++) {
        const int32_t y = at->rows.origin + ky * call->params->dilation.h;
        for (int32_t kx = at->columns.begin; kx < at->columns.end; kx++) {
            const int32_t x = at->columns.origin + kx * call->params->dilation.w;
            sum = cmopt_dot_s16_s8(sum, at->image + (y * call->in->w + x) * depth,
                                   filter + (ky * call->filter->w + kx) * depth, depth);
        }
    }
    return sum;
}

arm_cmsis_nn_status arm_convolve_wrapper_s16(const cmsis_nn_context *ctx,
                                             const cmsis_nn_conv_params *conv_params,
                                             const cmsis_nn_per_channel_quant_params *quant_params,
                                             const cmsis_nn_dims *input_dims,
                                             const int16_t *input_data,
                                             const cmsis_nn_dims *filter_dims,
                                             const int8_t *filter_data,
                                             const cmsis_nn_dims *bias_dims,
                                             const cmsis_nn_bias_data *bias_data,
                                             const cmsis_nn_dims *output_dims,
                                             int16_t *output_data)
{
    (void)ctx;
    (void)bias_dims;
    const cmsis_nn_conv_params *p = conv_params;
    const convolution_s16 call = {p, input_dims, filter_dims};
    const int32_t filter_size = filter_dims->h * filter_dims->w * input_dims->c;
    const int32_t image_size = input_dims->h * input_dims->w * input_dims->c;
    const int32_t *const short_bias = bias_data->is_int32_bias ? bias_data->data : NULL;
    const int64_t *const long_bias = bias_data->is_int32_bias ? NULL : bias_data->data;

    for (int32_t n = 0; n < input_dims->n; n++) {
        for (int32_t oy = 0; oy < output_dims->h; oy++) {
            window_s16 at;
            at.image = input_data + n * image_size;
            at.rows = cmopt_window_at(oy, p->stride.h, p->padding.h, p->dilation.h, filter_dims->h,
                                      input_dims->h);
            for (int32_t ox = 0; ox < output_dims->w; ox++) {
                at.columns = cmopt_window_at(ox, p->stride.w, p->padding.w, p->dilation.w,
                                             filter_dims->w, input_dims->w);
                for (int32_t oc = 0; oc < output_dims->c; oc++) {
                    const int8_t *filter = filter_data + oc * filter_size;
                    const int32_t multiplier = quant_params->multiplier[oc];
                    const int32_t shift = quant_params->shift[oc];
                    int32_t value;
                    if (bias_data->is_int32_bias) {
                        const int32_t start = short_bias != NULL ? short_bias[oc] : 0;
                        value = cmopt_requantize(short_sum(&call, &at, filter, start), multiplier,
                                                 shift);
                    } else {
                        const int64_t start = long_bias != NULL ? long_bias[oc] : 0;
                        value = cmopt_requantize_s64(long_sum(&call, &at, filter, start),
                                                     cmopt_reduced(multiplier), shift);
                    }
                    *output_data++ =
                        (int16_t)cmopt_clamp(value, p->activation.min, p->activation.max);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

int32_t arm_convolve_wrapper_s16_get_buffer_size(const cmsis_nn_conv_params *conv_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const cmsis_nn_dims *output_dims)
{
    (void)conv_params;
    (void)input_dims;
    (void)filter_dims;
    (void)output_dims;
    return 0;
}
