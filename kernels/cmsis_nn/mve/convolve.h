/*
 * Convolution with vectors: windows as rows, times the filter as a matrix.
 *
 * A window that is contiguous in the input is read where it is. Others are copied to the scratch,
 * where values outside the input are minus the input's offset, so that they contribute nothing.
 */
#ifndef CMOPT_CMSIS_NN_MVE_CONVOLVE_H
#define CMOPT_CMSIS_NN_MVE_CONVOLVE_H

#include <stddef.h>

#include "../window.h"
#include "matrix.h"

typedef struct {
    const cmsis_nn_conv_params *params;
    const cmsis_nn_dims *in;
    const cmsis_nn_dims *filter;
    const cmsis_nn_dims *out;
    int8_t *rows; /* scratch */
    int32_t columns;
} cmopt_mve_convolution;

/* Whether a window inside the input is contiguous. */
static inline bool cmopt_mve_contiguous(const cmsis_nn_conv_params *params,
                                        const cmsis_nn_dims *in,
                                        const cmsis_nn_dims *filter)
{
    return filter->h == 1 &&
           (filter->w == 1 || (params->dilation.w == 1 && filter->c == in->c));
}

/* Scratch: no window of a pointwise filter is copied, one of a contiguous one, three of others. A
 * copy may write a vector. */
static inline int32_t cmopt_mve_convolve_bytes(const cmsis_nn_conv_params *params,
                                               const cmsis_nn_dims *in,
                                               const cmsis_nn_dims *filter)
{
    const int32_t columns = filter->h * filter->w * filter->c;
    if (!cmopt_mve_contiguous(params, in, filter)) {
        return CMOPT_MATRIX_ROWS * columns;
    }
    return filter->w == 1 && params->padding.w == 0 && params->padding.h == 0 ? 0 : columns;
}

/* Copies the window whose first tap is at (y, x), wherever that is. `image` is at the group's first
 * channel. */
static void cmopt_mve_copy_window(const cmopt_mve_convolution *call,
                                  const int8_t *image,
                                  int32_t y,
                                  int32_t x,
                                  int8_t *to)
{
    const int32_t c = call->filter->c;
    const int32_t kw = call->filter->w;
    const int32_t dy = call->params->dilation.h;
    const int32_t dx = call->params->dilation.w;
    const int32_t pixel = call->in->c;
    const bool joined = dx == 1 && c == pixel;
    const int32_t pitch = call->in->w * pixel;
    const cmopt_window columns = cmopt_window_at(x, 1, 0, dx, kw, call->in->w);
    if (y < 0 || y + (call->filter->h - 1) * dy >= call->in->h || columns.begin > 0 ||
        columns.end < kw) {
        cmopt_mve_set(to, (int8_t)-call->params->input_offset, call->columns);
    }
    for (int32_t ky = 0; ky < call->filter->h; ky++, to += kw * c, y += dy) {
        if (y < 0 || y >= call->in->h || columns.end <= columns.begin) {
            continue;
        }
        const int8_t *from = image + y * pitch + (x + columns.begin * dx) * pixel;
        if (joined) {
            cmopt_mve_copy(to + columns.begin * c, from, (columns.end - columns.begin) * c);
        } else {
            for (int32_t kx = columns.begin; kx < columns.end; kx++, from += dx * pixel) {
                cmopt_mve_copy(to + kx * c, from, c);
            }
        }
    }
}

/* The results of a block of channels for all windows. `input` is at the group's first channel,
 * `out` at the block's. */
static void cmopt_mve_convolve_block(const cmopt_mve_convolution *call,
                                     const cmopt_mve_matrix *m,
                                     const int8_t *input,
                                     int8_t *out)
{
    const cmsis_nn_conv_params *p = call->params;
    const bool contiguous = cmopt_mve_contiguous(p, call->in, call->filter);
    const bool joined = p->dilation.w == 1 && call->filter->c == call->in->c;
    const int32_t pixel = call->in->c;
    const int32_t pitch = call->in->w * pixel;
    const int32_t segment = call->filter->w * pixel;
    const int32_t next_row = p->dilation.h * pitch;
    const int32_t reach_y = (call->filter->h - 1) * p->dilation.h;
    const int32_t last_x = call->in->w - 1 - (call->filter->w - 1) * p->dilation.w;
    const int32_t depth = call->out->c;
    const int8_t *x[CMOPT_MATRIX_ROWS];
    int32_t waiting = 0;
    for (int32_t n = 0; n < call->in->n; n++, input += call->in->h * pitch) {
        for (int32_t oy = 0; oy < call->out->h; oy++) {
            const int32_t iy = oy * p->stride.h - p->padding.h;
            int32_t ix = -p->padding.w;
            const bool inside = iy >= 0 && iy + reach_y < call->in->h;
            for (int32_t ox = 0; ox < call->out->w; ox++, ix += p->stride.w) {
                const bool here = inside && ix >= 0 && ix <= last_x;
                if (contiguous && here) {
                    x[waiting] = input + iy * pitch + ix * pixel;
                } else if (contiguous) {
                    /* There is scratch for one: its place in the output follows those waiting. */
                    cmopt_mve_copy_window(call, input, iy, ix, call->rows);
                    for (int32_t i = 0; i < waiting; i++, out += depth) {
                        cmopt_mve_matrix_1_row(m, x[i], 0, out);
                    }
                    cmopt_mve_matrix_1_row(m, call->rows, 0, out);
                    out += depth;
                    waiting = 0;
                    continue;
                } else {
                    int8_t *row = call->rows + waiting * call->columns;
                    x[waiting] = row;
                    if (here && joined) {
                        const int8_t *from = input + iy * pitch + ix * pixel;
                        for (int32_t ky = call->filter->h; ky > 0; ky--) {
                            cmopt_mve_copy(row, from, segment);
                            row += segment;
                            from += next_row;
                        }
                    } else {
                        cmopt_mve_copy_window(call, input, iy, ix, row);
                    }
                }
                if (++waiting == CMOPT_MATRIX_ROWS) {
                    int8_t *const to[CMOPT_MATRIX_ROWS] = {out, out + depth, out + 2 * depth};
                    cmopt_mve_matrix_3_rows(m, x, to);
                    out += CMOPT_MATRIX_ROWS * depth;
                    waiting = 0;
                }
            }
        }
    }
    for (int32_t i = 0; i < waiting; i++, out += depth) {
        cmopt_mve_matrix_1_row(m, x[i], 0, out);
    }
}

/* The whole call, or false if it has to be computed otherwise. */
static bool cmopt_mve_convolve(const cmsis_nn_context *ctx,
                               const cmsis_nn_conv_params *params,
                               const cmsis_nn_per_channel_quant_params *quant,
                               const cmsis_nn_dims *in,
                               const int8_t *input,
                               const cmsis_nn_dims *filter,
                               const int8_t *weights,
                               const int32_t *bias,
                               const cmsis_nn_dims *out,
                               int8_t *output)
{
    const cmopt_mve_output finish = cmopt_mve_output_of(
        quant->multiplier, quant->shift, out->c, params->output_offset, params->activation);
    if (finish.kind == CMOPT_MVE_NONE || params->input_offset < -127 ||
        params->input_offset > 128) {
        return false;
    }
    const cmopt_mve_convolution call = {params, in, filter, out, ctx->buf,
                                        filter->h * filter->w * filter->c};
    const int32_t outputs = out->c / (in->c / filter->c); /* of a group */
    int32_t start[CMOPT_MATRIX_CHANNELS];
    cmopt_mve_matrix m;
    m.columns = call.columns;
    m.start = start;
    m.per_channel = true;
    m.output = &finish;
    m.clamped = finish.low != INT8_MIN || finish.high != INT8_MAX;
    int32_t left = outputs; /* channels of this group */
    for (int32_t c = 0; c < out->c; c += m.channels) {
        m.channels = left < CMOPT_MATRIX_CHANNELS ? left : CMOPT_MATRIX_CHANNELS;
        m.weights = weights + c * m.columns;
        m.multipliers = quant->multiplier + c;
        m.shifts = quant->shift + c;
        for (int32_t i = 0; i < m.channels; i++) {
            const int32_t sum = cmopt_mve_sum(m.weights + i * m.columns, m.columns);
            start[i] = cmopt_wrapping_add(cmopt_wrapping_mul(sum, params->input_offset),
                                          bias != NULL ? bias[c + i] : 0);
        }
        cmopt_mve_matrix_last(&m);
        cmopt_mve_convolve_block(&call, &m, input + c / outputs * filter->c, output + c);
        left = left == m.channels ? outputs : left - m.channels;
    }
    return true;
}

#endif /* CMOPT_CMSIS_NN_MVE_CONVOLVE_H */
