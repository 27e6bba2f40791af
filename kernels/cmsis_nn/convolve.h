/*
 * Convolution: windows as rows, times the filter as a matrix.
 *
 * A window that is contiguous in the input is read where it is. Others are copied to the scratch,
 * where values outside the input are minus the input's offset, so that they contribute nothing.
 */
#ifndef CMOPT_CMSIS_NN_CONVOLVE_H
#define CMOPT_CMSIS_NN_CONVOLVE_H

#include <stddef.h>

#include "arm_nn_types.h"
#include "fixed_point.h"
#include "isa.h"
#include "window.h"
#ifdef CMOPT_MVE
#include "mve/matrix.h"
#else
#include "matrix.h"
#endif

typedef struct {
    const cmsis_nn_conv_params *params;
    const cmsis_nn_dims *in;
    const cmsis_nn_dims *filter;
    const cmsis_nn_dims *out;
    int8_t *rows; /* for copied windows */
    int32_t columns;
} cmopt_convolution;

/* Whether a window inside the input is contiguous. */
static inline bool cmopt_contiguous(const cmsis_nn_conv_params *params,
                                    const cmsis_nn_dims *in,
                                    const cmsis_nn_dims *filter)
{
    return filter->h == 1 &&
           (filter->w == 1 || (params->dilation.w == 1 && filter->c == in->c));
}

/* Whether each window is one pixel of the input. */
static inline bool cmopt_pointwise(const cmsis_nn_conv_params *params, const cmsis_nn_dims *filter)
{
    return filter->h == 1 && filter->w == 1 && params->padding.w == 0 && params->padding.h == 0;
}

/* Pixels of this many channels are widened on the stack: a pointwise filter has no scratch. */
enum { CMOPT_STACK_COLUMNS = 128 };

/* Scratch: no window of a pointwise filter is copied, one of a contiguous one, and as many of
 * others as are rows of a product. If rows are widened, two are, and are four bytes each. */
static inline int32_t cmopt_convolve_bytes(const cmsis_nn_conv_params *params,
                                           const cmsis_nn_dims *in,
                                           const cmsis_nn_dims *filter)
{
    const int32_t columns = filter->h * filter->w * filter->c;
    if (cmopt_pointwise(params, filter)) {
        return 0;
    }
    if (CMOPT_WIDENS) {
        return 4 * ((columns + 3) & ~3);
    }
    return cmopt_contiguous(params, in, filter) ? columns : CMOPT_MATRIX_ROWS * columns;
}

/* Copies the window whose first tap is at (y, x), inside the input or not. `image` is at the
 * group's first channel. */
static void cmopt_copy_window(const cmopt_convolution *call,
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
        cmopt_set(to, (int8_t)-call->params->input_offset, call->columns);
    }
    for (int32_t ky = 0; ky < call->filter->h; ky++, to += kw * c, y += dy) {
        if (y < 0 || y >= call->in->h || columns.end <= columns.begin) {
            continue;
        }
        const int8_t *from = image + y * pitch + (x + columns.begin * dx) * pixel;
        if (joined) {
            cmopt_copy(to + columns.begin * c, from, (columns.end - columns.begin) * c);
        } else {
            for (int32_t kx = columns.begin; kx < columns.end; kx++, from += dx * pixel) {
                cmopt_copy(to + kx * c, from, c);
            }
        }
    }
}

#if defined(CMOPT_DSP)
/* Copies a window to one of the two rows that are interleaved, if pixels are whole words. */
static inline void cmopt_widen_window(const cmopt_convolution *call,
                                      const int8_t *image,
                                      int32_t y,
                                      int32_t x,
                                      uint32_t *to)
{
    const int32_t words = call->filter->c >> 2;
    const int32_t kw = call->filter->w;
    const int32_t dy = call->params->dilation.h;
    const int32_t dx = call->params->dilation.w;
    const int32_t pixel = call->in->c;
    const int32_t pitch = call->in->w * pixel;
    const int32_t outside = -call->params->input_offset;
    const bool joined = dx == 1 && call->filter->c == pixel && x >= 0 && x + kw <= call->in->w;
    for (int32_t ky = 0; ky < call->filter->h; ky++, y += dy) {
        const int8_t *from = image + y * pitch + x * pixel;
        if (y < 0 || y >= call->in->h) {
            to = cmopt_widen_value(to, outside, kw * words);
        } else if (joined) {
            to = cmopt_widen(to, from, kw * words);
        } else {
            for (int32_t kx = 0, at = x; kx < kw; kx++, at += dx, from += dx * pixel) {
                to = at < 0 || at >= call->in->w ? cmopt_widen_value(to, outside, words)
                                                 : cmopt_widen(to, from, words);
            }
        }
    }
}

/* The same, for any pixels: with a copy of the bytes, which has room for 128. */
static inline void cmopt_widen_any_window(const cmopt_convolution *call,
                                          const int8_t *image,
                                          int32_t y,
                                          int32_t x,
                                          uint32_t *to)
{
    if ((call->filter->c & 3) == 0) {
        cmopt_widen_window(call, image, y, x, to);
        return;
    }
    int8_t bytes[CMOPT_STACK_COLUMNS];
    const int32_t height = call->filter->h;
    const int32_t width = call->filter->w;
    const int32_t pixel = call->in->c;
    if (call->params->dilation.w == 1 && call->filter->c == pixel && x >= 0 &&
        x + width <= call->in->w && y >= 0 &&
        y + (height - 1) * call->params->dilation.h < call->in->h) {
        const int32_t pitch = call->in->w * pixel;
        const int8_t *from = image + y * pitch + x * pixel;
        int8_t *row = bytes;
        for (int32_t ky = height; ky > 0; ky--, row += width * pixel) {
            cmopt_copy(row, from, width * pixel);
            from += call->params->dilation.h * pitch;
        }
    } else {
        cmopt_copy_window(call, image, y, x, bytes);
    }
    to = cmopt_widen(to, bytes, call->columns >> 2);
    if (call->columns & 3) {
        cmopt_widen_last(to, bytes + (call->columns & ~3), call->columns & 3);
    }
}

/* The results of a block of channels for all windows, with widened rows. */
static inline void cmopt_convolve_wide(const cmopt_convolution *call,
                                       const cmopt_matrix *m,
                                       const int8_t *input,
                                       int8_t *out)
{
    const cmsis_nn_conv_params *p = call->params;
    const int32_t pitch = call->in->w * call->in->c;
    const int32_t image = call->in->h * pitch;
    /* Of a window that is a pixel, if it is whole words. */
    const int32_t words =
        cmopt_pointwise(p, call->filter) && (call->columns & 3) == 0 ? call->columns >> 2 : 0;
    uint32_t *const rows = (uint32_t *)(void *)call->rows;
    const int8_t *const x[CMOPT_MATRIX_ROWS] = {call->rows, call->rows};
    int8_t *first = NULL; /* where the results of a row go that waits for another */
    for (int32_t n = 0; n < call->in->n; n++, input += image) {
        for (int32_t oy = 0; oy < call->out->h; oy++) {
            const int32_t iy = oy * p->stride.h - p->padding.h;
            int32_t ix = -p->padding.w;
            for (int32_t ox = 0; ox < call->out->w; ox++, ix += p->stride.w) {
                uint32_t *const row = rows + (first == NULL ? 0 : 2);
                if (words > 0) {
                    cmopt_widen(row, input + iy * pitch + ix * call->in->c, words);
                } else {
                    cmopt_widen_any_window(call, input, iy, ix, row);
                }
                if (first == NULL) {
                    first = out;
                } else {
                    int8_t *const to[CMOPT_MATRIX_ROWS] = {first, out};
                    cmopt_matrix_rows(m, x, to);
                    first = NULL;
                }
                out += call->out->c;
            }
        }
    }
    if (first != NULL) {
        for (int32_t i = 0; i < call->columns; i += 4) {
            rows[i + 2] = rows[i];
            rows[i + 3] = rows[i + 1];
        }
        int8_t *const to[CMOPT_MATRIX_ROWS] = {first, first};
        cmopt_matrix_rows(m, x, to);
    }
}
#endif

/* The results of a block of channels for all windows. `input` is at the group's first channel,
 * `out` at the block's. */
static void cmopt_convolve_block(const cmopt_convolution *call,
                                 const cmopt_matrix *m,
                                 const int8_t *input,
                                 int8_t *out)
{
    const cmsis_nn_conv_params *p = call->params;
    const bool contiguous = cmopt_contiguous(p, call->in, call->filter);
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
                    cmopt_copy_window(call, input, iy, ix, call->rows);
                    for (int32_t i = 0; i < waiting; i++, out += depth) {
                        cmopt_matrix_row(m, x[i], 0, out);
                    }
                    cmopt_matrix_row(m, call->rows, 0, out);
                    out += depth;
                    waiting = 0;
                    continue;
                } else {
                    int8_t *row = call->rows + waiting * call->columns;
                    x[waiting] = row;
                    if (here && joined) {
                        const int8_t *from = input + iy * pitch + ix * pixel;
                        for (int32_t ky = call->filter->h; ky > 0; ky--) {
                            cmopt_copy(row, from, segment);
                            row += segment;
                            from += next_row;
                        }
                    } else {
                        cmopt_copy_window(call, input, iy, ix, row);
                    }
                }
                if (++waiting == CMOPT_MATRIX_ROWS) {
                    int8_t *to[CMOPT_MATRIX_ROWS];
                    for (int32_t i = 0; i < CMOPT_MATRIX_ROWS; i++, out += depth) {
                        to[i] = out;
                    }
                    cmopt_matrix_rows(m, x, to);
                    waiting = 0;
                }
            }
        }
    }
    for (int32_t i = 0; i < waiting; i++, out += depth) {
        cmopt_matrix_row(m, x[i], 0, out);
    }
}

/* Prepares a call, or false if it has to be computed otherwise. rows: the scratch. */
static inline bool cmopt_convolve_begin(cmopt_convolution *call,
                                        cmopt_matrix *m,
                                        const cmsis_nn_conv_params *params,
                                        const cmsis_nn_per_channel_quant_params *quant,
                                        const cmsis_nn_dims *in,
                                        const cmsis_nn_dims *filter,
                                        const cmsis_nn_dims *out,
                                        int8_t *rows)
{
    if (!cmopt_matrix_output(m, quant->multiplier, quant->shift, out->c, params->output_offset,
                             params->activation) ||
        params->input_offset < -127 || params->input_offset > 128) {
        return false;
    }
    if (cmopt_pointwise(params, filter) && ((out->h - 1) * params->stride.h >= in->h ||
                                            (out->w - 1) * params->stride.w >= in->w)) {
        return false; /* there are windows outside the input, and no scratch */
    }
    call->params = params;
    call->in = in;
    call->filter = filter;
    call->out = out;
    call->rows = rows;
    call->columns = filter->h * filter->w * filter->c;
    m->columns = call->columns;
    m->step = 1;
    m->wide = false;
#ifdef CMOPT_DSP
    m->wide = cmopt_pointwise(params, filter)
                  ? m->columns <= CMOPT_STACK_COLUMNS
                  : ((uintptr_t)rows & 3) == 0 &&
                        (m->columns <= CMOPT_STACK_COLUMNS || (filter->c & 3) == 0);
#endif
    return true;
}

/* The results of `channels` output channels of one group, CMOPT_MATRIX_CHANNELS at most, from
 * channel `first` on. weights: their filters. start: what each sum begins with, which is the bias
 * and the input's offset times the sum of the weights. */
static void cmopt_convolve_channels(cmopt_convolution *call,
                                    cmopt_matrix *m,
                                    const cmsis_nn_per_channel_quant_params *quant,
                                    int32_t first,
                                    int32_t channels,
                                    const int8_t *weights,
                                    const int32_t *start,
                                    const int8_t *input,
                                    int8_t *output)
{
    m->channels = channels;
    m->weights = weights;
    m->multipliers = quant->multiplier + first;
    m->shifts = quant->shift + first;
    m->start = start;
    cmopt_matrix_begin(m);
    const int32_t outputs = call->out->c / (call->in->c / call->filter->c); /* of a group */
    const int8_t *const group = input + first / outputs * call->filter->c;
#ifdef CMOPT_DSP
    uint32_t pixels[CMOPT_STACK_COLUMNS];
    if (m->wide) {
        if (cmopt_pointwise(call->params, call->filter)) {
            call->rows = (int8_t *)pixels;
        }
        cmopt_convolve_wide(call, m, group, output + first);
        return;
    }
#endif
    cmopt_convolve_block(call, m, group, output + first);
}

/* The whole call, or false if it has to be computed otherwise. */
static inline bool cmopt_convolve(const cmsis_nn_context *ctx,
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
    cmopt_convolution call;
    cmopt_matrix m;
    if (!cmopt_convolve_begin(&call, &m, params, quant, in, filter, out, ctx->buf)) {
        return false;
    }
    const int32_t outputs = out->c / (in->c / filter->c); /* of a group */
    int32_t left = outputs;                               /* channels of this group */
    for (int32_t c = 0, channels; c < out->c; c += channels) {
        int32_t start[CMOPT_MATRIX_CHANNELS];
        channels = left < CMOPT_MATRIX_CHANNELS ? left : CMOPT_MATRIX_CHANNELS;
        const int8_t *const filters = weights + c * call.columns;
        for (int32_t i = 0; i < channels; i++) {
            const int32_t sum = cmopt_sum(filters + i * call.columns, call.columns);
            start[i] = cmopt_wrapping_add(cmopt_wrapping_mul(sum, params->input_offset),
                                          bias != NULL ? bias[c + i] : 0);
        }
        cmopt_convolve_channels(&call, &m, quant, c, channels, filters, start, input, output);
        left = left == channels ? outputs : left - channels;
    }
    return true;
}

#endif /* CMOPT_CMSIS_NN_CONVOLVE_H */
