/*
 * Convolution with weights of 4 bits: the kernel of ../cmsis_nn, with some filters at a time, which
 * are unpacked before.
 */
#include <string.h>

#include "../cmsis_nn/convolve.h"
#include "cmopt_packed.h"

/* weights[i] = weight first + i. */
static void unpack(const int8_t *packed, int32_t first, int32_t count, int8_t *weights)
{
    const uint8_t *from = (const uint8_t *)packed + first / 2;
    int32_t i = 0;
    if (first % 2 != 0 && count > 0) {
        weights[i++] = (int8_t)(((*from++ >> 4) ^ 8) - 8);
    }
#if defined(CMOPT_MVE)
    for (; i + 32 <= count; i += 32, from += 16) {
        const int8x16_t pairs = vreinterpretq_s8_u8(vldrbq_u8(from));
        const int8x16x2_t halves = {
            {vshrq_n_s8(vshlq_n_s8(pairs, 4), 4), vshrq_n_s8(pairs, 4)}};
        vst2q_s8(weights + i, halves);
    }
#elif !defined(__ARM_BIG_ENDIAN)
    for (; i + 4 <= count; i += 4, from += 2) {
        uint32_t four = from[0] | (uint32_t)from[1] << 16;
        four = (four | four << 4) & 0x0f0f0f0fu;
        /* In each byte, (w ^ 8) - 8. The highest bit keeps the bytes apart. */
        four = ((four ^ 0x88888888u) - 0x08080808u) ^ 0x80808080u;
        memcpy(weights + i, &four, sizeof four);
    }
#endif
    for (; i + 2 <= count; i += 2) {
        const uint8_t pair = *from++;
        weights[i] = (int8_t)(((pair & 15) ^ 8) - 8);
        weights[i + 1] = (int8_t)(((pair >> 4) ^ 8) - 8);
    }
    if (i < count) {
        weights[i] = (int8_t)(((*from & 15) ^ 8) - 8);
    }
}

/* The scratch for windows: the most that any instruction set needs. */
static int32_t window_bytes(const cmsis_nn_conv_params *params, const cmsis_nn_dims *filter)
{
    const int32_t size = filter->h * filter->w * filter->c;
    return cmopt_pointwise(params, filter) ? 0 : 4 * ((size + 3) & ~3);
}

arm_cmsis_nn_status cmopt_convolve_s4(const cmsis_nn_context *ctx,
                                      const cmsis_nn_conv_params *conv_params,
                                      const cmsis_nn_per_channel_quant_params *quant_params,
                                      const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                      const cmsis_nn_dims *filter_dims, const int8_t *filter_data,
                                      const cmsis_nn_dims *sums_dims, const int32_t *sums,
                                      const cmsis_nn_dims *output_dims, int8_t *output_data)
{
    (void)sums_dims;
    if (filter_dims->c < 1 || input_dims->c < filter_dims->c ||
        input_dims->c % filter_dims->c != 0 ||
        output_dims->c % (input_dims->c / filter_dims->c) != 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    cmopt_convolution call;
    cmopt_matrix m;
    if (!cmopt_convolve_begin(&call, &m, conv_params, quant_params, input_dims, filter_dims,
                              output_dims, ctx->buf)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t used = window_bytes(conv_params, filter_dims);
    const int32_t room = (ctx->size - used) / call.columns;
    const int32_t most = room < CMOPT_MATRIX_CHANNELS ? room : CMOPT_MATRIX_CHANNELS;
    if (most < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    int8_t *const weights = (int8_t *)ctx->buf + used;
    const int32_t outputs = output_dims->c / (input_dims->c / filter_dims->c); /* of a group */
    int32_t left = outputs; /* channels of this group */
    for (int32_t c = 0, channels; c < output_dims->c; c += channels) {
        channels = left < most ? left : most;
        unpack(filter_data, c * call.columns, channels * call.columns, weights);
        cmopt_convolve_channels(&call, &m, quant_params, c, channels, weights, sums + c,
                                input_data, output_data);
        left = left == channels ? outputs : left - channels;
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
    return window_bytes(conv_params, filter_dims) + filter_dims->h * filter_dims->w * filter_dims->c;
}
