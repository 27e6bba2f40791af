/*
 * Depthwise convolution with vectors.
 *
 * Rows of sixteen lanes are copied into the scratch, with their padding. So all windows are alike,
 * and padding costs no test. A padded value is minus the input's offset, which is part of the sums'
 * start.
 */
#ifndef CMOPT_CMSIS_NN_MVE_DEPTHWISE_H
#define CMOPT_CMSIS_NN_MVE_DEPTHWISE_H

#include <string.h>

#include "depthwise_lanes.h"

/* A row of a strip: pixels before the input's row, inside it and after it. */
typedef struct {
    int32_t before;
    int32_t inside;
    int32_t after;
} cmopt_mve_span;

static inline cmopt_mve_span cmopt_mve_span_of(int32_t x, int32_t pixels, int32_t width)
{
    cmopt_mve_span span = {0, 0, 0};
    span.before = x >= 0 ? 0 : x + pixels <= 0 ? pixels : -x;
    span.after = x + pixels <= width ? 0 : x >= width ? pixels : x + pixels - width;
    span.inside = pixels - span.before - span.after;
    return span;
}

/* Fills vectors of a row. Returns the place after them. */
CMOPT_INLINE int8_t *cmopt_mve_fill(int8_t *row, int8x16_t value, int32_t vectors)
{
    for (; vectors > 0; vectors--, row += CMOPT_DW_LANES) {
        vstrbq_s8(row, value);
    }
    return row;
}

/* Copies a row of input from its first pixel inside the span on, to a row of a strip. */
CMOPT_INLINE void cmopt_mve_depthwise_copy(const int8_t *from,
                                           int32_t channels,
                                           cmopt_mve_span span,
                                           int32_t unit,
                                           int32_t lanes,
                                           int8_t outside,
                                           int8_t *row)
{
    if (unit < CMOPT_DW_LANES) {
        memset(row, outside, (size_t)(span.before * unit));
        row += span.before * unit;
        memcpy(row, from, (size_t)(span.inside * unit));
        memset(row + span.inside * unit, outside, (size_t)(span.after * unit));
        return;
    }
    const int8x16_t padded = vdupq_n_s8(outside);
    row = cmopt_mve_fill(row, padded, span.before);
    if (lanes == CMOPT_DW_LANES) {
        for (int32_t i = span.inside; i > 0; i--, row += CMOPT_DW_LANES, from += channels) {
            vstrbq_s8(row, vldrbq_s8(from));
        }
    } else {
        const mve_pred16_t used = vctp8q((uint32_t)lanes);
        for (int32_t i = span.inside; i > 0; i--, row += CMOPT_DW_LANES, from += channels) {
            vstrbq_s8(row, vldrbq_z_s8(from, used));
        }
    }
    cmopt_mve_fill(row, padded, span.after);
}

/* The places of the taps of a row of output. `oldest` is the strip's oldest row. */
static inline void cmopt_mve_depthwise_places(cmopt_mve_depthwise *call,
                                              const int8_t *oldest,
                                              int32_t pitch,
                                              const int8_t *end)
{
    const int8_t *row = oldest;
    if (call->fixed) {
        call->rows[0] = row;
        row = row + pitch == end ? call->strip : row + pitch;
        call->rows[1] = row;
        call->rows[2] = row + pitch == end ? call->strip : row + pitch;
        return;
    }
    const int8_t **places = call->places;
    for (int32_t ky = 0; ky < call->filter->h; ky++) {
        for (int32_t kx = 0; kx < call->filter->w; kx++) {
            *places++ = row + kx * call->unit;
        }
        row = row + pitch == end ? call->strip : row + pitch;
    }
}

/* `columns` columns of output from column `first` on. `image` and `out` are at the lanes' first
 * channel. Row y is row y modulo the filter's height of the strip. */
static void cmopt_mve_depthwise_strip(cmopt_mve_depthwise *call,
                                      const int8_t *image,
                                      int32_t first,
                                      int32_t columns,
                                      int8_t *out)
{
    const cmsis_nn_dw_conv_params *p = call->params;
    const int32_t height = call->filter->h;
    const int32_t unit = call->unit;
    const int32_t pixels = (columns - 1) * p->stride.w + call->filter->w;
    const int32_t pitch = pixels * unit;
    const int8_t *const end = call->strip + height * pitch;
    const int32_t x = first * p->stride.w - p->padding.w;
    const int32_t in_height = call->in->h;
    const int32_t channels = call->in->c;
    const int32_t in_pitch = call->in->w * channels;
    const int32_t out_pitch = call->out->w * channels;
    const int8_t outside = (int8_t)-p->input_offset;
    const cmopt_mve_span span = cmopt_mve_span_of(x, pixels, call->in->w);
    const cmopt_mve_span none = {pixels, 0, 0};
    const int8_t *const from = image + (x + span.before) * channels;
    int8_t *slot = call->strip; /* of the next row to copy */
    int32_t y = -p->padding.h;
    int32_t missing = height;
    out += first * channels;
    for (int32_t rows = call->out->h; rows > 0; rows--, out += out_pitch) {
        if (missing > height) { /* the stride is longer than the filter */
            y += missing - height;
            missing = height;
        }
        for (; missing > 0; missing--, y++) {
            const bool inside = y >= 0 && y < in_height;
            cmopt_mve_depthwise_copy(inside ? from + y * in_pitch : image, channels,
                                     inside ? span : none, unit, call->lanes, outside, slot);
            slot = slot + pitch == end ? call->strip : slot + pitch;
        }
        missing = p->stride.h;
        cmopt_mve_depthwise_places(call, slot, pitch, end);
        cmopt_mve_depthwise_row(call, columns, out);
    }
}

/* The whole call, or false if it has to be computed otherwise. */
static bool cmopt_mve_depthwise_conv(const cmsis_nn_context *ctx,
                                     const cmsis_nn_dw_conv_params *params,
                                     const cmsis_nn_per_channel_quant_params *quant,
                                     const cmsis_nn_dims *in,
                                     const int8_t *input,
                                     const cmsis_nn_dims *filter,
                                     const int8_t *weights,
                                     const int32_t *bias,
                                     const cmsis_nn_dims *out,
                                     int8_t *output)
{
    if (!cmopt_mve_depthwise_fits(params, in, filter, out) || params->input_offset < -127 ||
        params->input_offset > 128) {
        return false;
    }
    cmopt_mve_depthwise call;
    call.params = params;
    call.in = in;
    call.filter = filter;
    call.out = out;
    call.output = cmopt_mve_output_of(quant->multiplier, quant->shift, out->c,
                                      params->output_offset, params->activation);
    if (call.output.kind == CMOPT_MVE_NONE) {
        return false;
    }
    call.taps = filter->h * filter->w;
    call.unit = cmopt_mve_depthwise_unit(params, in);
    const uintptr_t mask = sizeof(int8_t *) - 1;
    call.places = (const int8_t **)(((uintptr_t)ctx->buf + mask) & ~mask);
    call.weights = (int8_t *)(call.places + call.taps);
    call.strip = call.weights + call.taps * CMOPT_DW_LANES;
    const int32_t most = cmopt_mve_depthwise_columns(params, in, filter, out);
    for (int32_t c = 0; c < in->c; c += call.unit) {
        call.lanes = call.unit < CMOPT_DW_LANES || in->c - c > CMOPT_DW_LANES ? CMOPT_DW_LANES
                                                                             : in->c - c;
        cmopt_mve_depthwise_lanes(&call, weights, bias, quant, c);
        call.fixed = filter->h == 3 && filter->w == 3 && call.paired;
        call.plain = call.lanes == CMOPT_DW_LANES && call.output.kind == CMOPT_MVE_UP &&
                     params->activation.min == INT8_MIN && params->activation.max == INT8_MAX;
        for (int32_t x = 0; x < out->w; x += most) {
            const int32_t columns = out->w - x < most ? out->w - x : most;
            cmopt_mve_depthwise_strip(&call, input + c, x, columns, output + c);
        }
    }
    return true;
}

#endif /* CMOPT_CMSIS_NN_MVE_DEPTHWISE_H */
