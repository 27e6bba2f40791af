/* Convolution of int16 activations: every stride, padding, dilation and batch size, no groups. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "isa.h"
#include "wide.h"
#include "window.h"

/* The output channels that are computed together. */
enum { CHANNELS = 4 };

/* Products of a sum that fit 32 bits, whatever they are. */
enum { SHORT_SUM = 256 };

/* One window: its taps inside the input, in an image. */
typedef struct {
    cmopt_window rows;
    cmopt_window columns;
    const int16_t *image;
} window_s16;

typedef struct {
    const cmsis_nn_conv_params *params;
    const cmsis_nn_per_channel_quant_params *quant;
    const cmsis_nn_dims *in;
    const cmsis_nn_dims *filter;
    const int8_t *weights;
    const void *bias;
    bool is_long; /* sums of 64 bits, and an int64 bias */
} convolution_s16;

/* Adds the products of a run of values with four filters. */
CMOPT_NOINLINE void add_run(const convolution_s16 *call, const int16_t *values, const int8_t *filter,
                          int32_t pitch, int32_t count, int64_t sums[CHANNELS])
{
    const int32_t most = call->is_long ? SHORT_SUM : count;
    for (int32_t begin = 0; begin < count; begin += most) {
        int32_t part[CHANNELS] = {0, 0, 0, 0};
        const int32_t size = count - begin < most ? count - begin : most;
        cmopt_four_dots(values + begin, filter + begin, pitch, size, part);
        for (int32_t i = 0; i < CHANNELS; i++) {
            sums[i] += part[i];
        }
    }
}

/* Adds the products of a window with four filters, whose first one is `filter`. A row of taps without
 * dilation is one run, and so are rows that follow each other in the image. */
static void add_window(const convolution_s16 *call, const window_s16 *at, const int8_t *filter,
                       int32_t pitch, int64_t sums[CHANNELS])
{
    const int32_t depth = call->in->c;
    const int32_t step = call->params->dilation.w;
    const int32_t taps = at->columns.end - at->columns.begin;
    const bool has_rows = step == 1 && call->params->dilation.h == 1 &&
                          taps == call->filter->w && taps == call->in->w;
    const int32_t runs = step == 1 ? 1 : taps;
    int32_t size = step == 1 ? taps * depth : depth;
    int32_t rows = at->rows.end - at->rows.begin;
    if (has_rows && rows > 0) {
        size *= rows;
        rows = 1;
    }
    for (int32_t row = 0; row < rows && taps > 0; row++) {
        const int32_t ky = at->rows.begin + row;
        const int32_t y = at->rows.origin + ky * call->params->dilation.h;
        for (int32_t run = 0; run < runs; run++) {
            const int32_t kx = at->columns.begin + run;
            const int32_t x = at->columns.origin + kx * step;
            add_run(call, at->image + (y * call->in->w + x) * depth,
                    filter + (ky * call->filter->w + kx) * depth, pitch, size, sums);
        }
    }
}

/* From the sum of an output channel to its value. */
CMOPT_INLINE int16_t finished(const convolution_s16 *call, int64_t sum, int32_t channel)
{
    const int32_t multiplier = call->quant->multiplier[channel];
    const int32_t shift = call->quant->shift[channel];
    int32_t value;
    if (call->is_long) {
        const int64_t *const bias = call->bias;
        sum += bias != NULL ? bias[channel] : 0;
        value = cmopt_requantize_s64(sum, cmopt_reduced(multiplier), shift);
    } else {
        const int32_t *const bias = call->bias;
        const int32_t total = cmopt_wrapping_add((int32_t)sum, bias != NULL ? bias[channel] : 0);
        value = cmopt_requantize(total, multiplier, shift);
    }
    const cmsis_nn_activation clamp = call->params->activation;
    return (int16_t)cmopt_clamp(value, clamp.min, clamp.max);
}

/* The output channels of one window. The last ones are computed one by one, each four times, if they
 * are fewer than four. */
static void one_window(const convolution_s16 *call, const window_s16 *at, int32_t channels,
                       int16_t *output)
{
    const int32_t size = call->filter->h * call->filter->w * call->in->c;
    for (int32_t c = 0; c < channels;) {
        const bool is_whole = channels - c >= CHANNELS;
        int64_t sums[CHANNELS] = {0, 0, 0, 0};
        add_window(call, at, call->weights + c * size, is_whole ? size : 0, sums);
        for (int32_t i = 0; i < (is_whole ? CHANNELS : 1); i++, c++) {
            output[c] = finished(call, sums[i], c);
        }
    }
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
    const convolution_s16 call = {
        p, quant_params, input_dims, filter_dims, filter_data, bias_data->data,
        !bias_data->is_int32_bias};
    const int32_t image_size = input_dims->h * input_dims->w * input_dims->c;
    for (int32_t n = 0; n < input_dims->n; n++) {
        for (int32_t oy = 0; oy < output_dims->h; oy++) {
            window_s16 at;
            at.image = input_data + n * image_size;
            at.rows = cmopt_window_at(oy, p->stride.h, p->padding.h, p->dilation.h, filter_dims->h,
                                      input_dims->h);
            for (int32_t ox = 0; ox < output_dims->w; ox++, output_data += output_dims->c) {
                at.columns = cmopt_window_at(ox, p->stride.w, p->padding.w, p->dilation.w,
                                             filter_dims->w, input_dims->w);
                one_window(&call, &at, output_dims->c, output_data);
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
