/*
 * Convolution with weights of 4 bits. Some filters at a time are unpacked, then multiplied with all
 * windows of the input.
 */
#include <string.h>

#include "../cmsis_nn/fixed_point.h"
#include "../cmsis_nn/isa.h"
#include "../cmsis_nn/window.h"
#include "cmopt_packed.h"
#if defined(CMOPT_MVE)
#include "../cmsis_nn/mve/dot.h"
#elif defined(CMOPT_DSP)
#include "../cmsis_nn/dsp/dot.h"
#else
#include "../cmsis_nn/dot.h"
#endif

enum { BLOCK = 4 /* filters that are unpacked at a time */ };

/* The arguments of a call, and sizes that follow from them. */
typedef struct {
    const cmsis_nn_conv_params *params;
    const cmsis_nn_per_channel_quant_params *quant;
    const cmsis_nn_dims *input;
    const cmsis_nn_dims *filter;
    const cmsis_nn_dims *output;
    int32_t filter_size;
    bool is_pixel; /* a window is one pixel, so it need not be copied */
    int8_t *weights;
    int8_t *window;
} convolution;

/* The filters of a block, in `weights`, and what their sums begin with. */
typedef struct {
    int32_t first; /* output channel */
    int32_t count;
    int32_t start[BLOCK];
} block;

static bool is_pixel(const cmsis_nn_conv_params *params, const cmsis_nn_dims *filter)
{
    return filter->h == 1 && filter->w == 1 && params->padding.h == 0 && params->padding.w == 0;
}

/* weights[i] = weight first + i. */
static void unpack(const int8_t *packed, int32_t first, int32_t count, int8_t *weights)
{
    const uint8_t *from = (const uint8_t *)packed + first / 2;
    int32_t i = 0;
    if (first % 2 != 0 && count > 0) {
        weights[i++] = (int8_t)(((*from++ >> 4) ^ 8) - 8);
    }
    for (; i + 2 <= count; i += 2) {
        const uint8_t pair = *from++;
        weights[i] = (int8_t)(((pair & 15) ^ 8) - 8);
        weights[i + 1] = (int8_t)(((pair >> 4) ^ 8) - 8);
    }
    if (i < count) {
        weights[i] = (int8_t)(((*from & 15) ^ 8) - 8);
    }
}

/* Unpacks the filters of `count` output channels; those that a block has no channel for are 0. */
static block block_of(const convolution *c, const int8_t *packed, const int32_t *bias,
                      int32_t first, int32_t count)
{
    block b = {first, count, {0}};
    const int32_t size = c->filter_size;
    unpack(packed, first * size, count * size, c->weights);
    memset(c->weights + count * size, 0, (size_t)((BLOCK - count) * size));
    for (int32_t i = 0; i < count; i++) {
        /* sum((x + offset) * w) = sum(x * w) + offset * sum(w) */
        const int32_t sum = cmopt_sum(c->weights + i * size, size);
        b.start[i] = cmopt_wrapping_add(bias[first + i],
                                        cmopt_wrapping_mul(c->params->input_offset, sum));
    }
    return b;
}

/* The values under the filter at an output position, in its order. `image` is at the first channel
 * of a group. Positions outside the image have the input's zero point. */
static const int8_t *window_at(const convolution *c, const int8_t *image, int32_t oy, int32_t ox)
{
    const cmsis_nn_conv_params *params = c->params;
    const cmsis_nn_dims *input = c->input;
    const cmsis_nn_dims *filter = c->filter;
    if (c->is_pixel) {
        return image + (oy * params->stride.h * input->w + ox * params->stride.w) * input->c;
    }
    const cmopt_window rows = cmopt_window_at(oy, params->stride.h, params->padding.h,
                                              params->dilation.h, filter->h, input->h);
    const cmopt_window columns = cmopt_window_at(ox, params->stride.w, params->padding.w,
                                                 params->dilation.w, filter->w, input->w);
    const int32_t depth = filter->c;
    memset(c->window, -params->input_offset, (size_t)c->filter_size);
    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
        const int8_t *row =
            image + (rows.origin + ky * params->dilation.h) * input->w * input->c;
        for (int32_t kx = columns.begin; kx < columns.end; kx++) {
            memcpy(c->window + (ky * filter->w + kx) * depth,
                   row + (columns.origin + kx * params->dilation.w) * input->c, (size_t)depth);
        }
    }
    return c->window;
}

/* The results of a block's channels at one output position. */
CMOPT_NOINLINE void multiply(const convolution *c, const block *b, const int8_t *x,
                             int8_t *output)
{
    const int32_t size = c->filter_size;
    int32_t sums[BLOCK] = {0};
#if defined(CMOPT_MVE)
    const int8_t *w = c->weights;
    cmopt_mve_dot_1x4(x, w, w + size, w + 2 * size, w + 3 * size, size, sums);
#else
    cmopt_dot_1x4(x, 0, c->weights, size, sums);
#endif
    for (int32_t i = 0; i < b->count; i++) {
        const int32_t channel = b->first + i;
        output[channel] = cmopt_finish_s8(
            cmopt_wrapping_add(b->start[i], sums[i]), c->quant->multiplier[channel],
            c->quant->shift[channel], c->params->output_offset, c->params->activation.min,
            c->params->activation.max);
    }
}

/* The results of a block's channels at all output positions. `input` is at the first channel of
 * their group. */
static void multiply_all(const convolution *c, const block *b, const int8_t *input, int8_t *output)
{
    const int32_t image_size = c->input->h * c->input->w * c->input->c;
    for (int32_t n = 0; n < c->input->n; n++) {
        for (int32_t oy = 0; oy < c->output->h; oy++) {
            for (int32_t ox = 0; ox < c->output->w; ox++) {
                multiply(c, b, window_at(c, input + n * image_size, oy, ox), output);
                output += c->output->c;
            }
        }
    }
}

arm_cmsis_nn_status cmopt_convolve_s4(const cmsis_nn_context *ctx,
                                      const cmsis_nn_conv_params *conv_params,
                                      const cmsis_nn_per_channel_quant_params *quant_params,
                                      const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                      const cmsis_nn_dims *filter_dims, const int8_t *filter_data,
                                      const cmsis_nn_dims *bias_dims, const int32_t *bias_data,
                                      const cmsis_nn_dims *output_dims, int8_t *output_data)
{
    (void)bias_dims;
    if (filter_dims->c < 1 || input_dims->c % filter_dims->c != 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t groups = input_dims->c / filter_dims->c;
    if (groups < 1 || output_dims->c % groups != 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t size = filter_dims->h * filter_dims->w * filter_dims->c;
    int8_t *const buffer = ctx->buf;
    const convolution c = {conv_params, quant_params, input_dims, filter_dims, output_dims, size,
                           is_pixel(conv_params, filter_dims), buffer, buffer + BLOCK * size};
    const int32_t channels = output_dims->c / groups;
    for (int32_t group = 0; group < groups; group++) {
        for (int32_t done = 0; done < channels; done += BLOCK) {
            const int32_t count = channels - done < BLOCK ? channels - done : BLOCK;
            const block b = block_of(&c, filter_data, bias_data, group * channels + done, count);
            multiply_all(&c, &b, input_data + group * filter_dims->c, output_data);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

int32_t cmopt_convolve_s4_get_buffer_size(const cmsis_nn_conv_params *conv_params,
                                          const cmsis_nn_dims *input_dims,
                                          const cmsis_nn_dims *filter_dims,
                                          const cmsis_nn_dims *output_dims)
{
    (void)input_dims;
    (void)output_dims;
    const int32_t windows = is_pixel(conv_params, filter_dims) ? 0 : 1;
    return (BLOCK + windows) * filter_dims->h * filter_dims->w * filter_dims->c;
}
