/*
 * Depthwise convolution without vectors: four channels of a pixel share their loads.
 */
#ifndef CMOPT_CMSIS_NN_DEPTHWISE_H
#define CMOPT_CMSIS_NN_DEPTHWISE_H

#include "output.h"
#include "window.h"
#ifdef CMOPT_DSP
#include "dsp/depthwise.h"
#else
#include "taps.h"
#endif

typedef struct {
    const cmsis_nn_dw_conv_params *params;
    const cmsis_nn_dims *in;
    const cmsis_nn_dims *filter;
    const cmsis_nn_dims *out;
    cmopt_output output;
    int32_t step;  /* from a tap to the next in a row */
    int32_t pitch; /* from a row of taps to the next */
    bool one;      /* the four channels read one channel */
    const int32_t *multipliers;
    const int32_t *shifts;
    cmopt_taps taps;
} cmopt_depthwise;

/* Writes the results of four channels. */
CMOPT_INLINE void cmopt_depthwise_finish(const cmopt_depthwise *call,
                                         const int32_t sums[4],
                                         int8_t *out,
                                         cmopt_kind kind,
                                         bool clamped)
{
    const int32_t *by = call->multipliers;
    const int32_t *shift = call->shifts;
    const cmopt_output output = call->output;
    out[0] = cmopt_result(sums[0], cmopt_factor_of(by, shift), output, kind, clamped);
    out[1] = cmopt_result(sums[1], cmopt_factor_of(by + 1, shift + 1), output, kind, clamped);
    out[2] = cmopt_result(sums[2], cmopt_factor_of(by + 2, shift + 2), output, kind, clamped);
    out[3] = cmopt_result(sums[3], cmopt_factor_of(by + 3, shift + 3), output, kind, clamped);
}

CMOPT_INLINE void cmopt_depthwise_finish_any(const cmopt_depthwise *call,
                                             const int32_t sums[4],
                                             int8_t *out)
{
    if (call->output.kind == CMOPT_UP && !call->output.clamped) {
        cmopt_depthwise_finish(call, sums, out, CMOPT_UP, false);
    } else if (call->output.kind != CMOPT_GENERAL) {
        cmopt_depthwise_finish(call, sums, out, CMOPT_AWAY, true);
    } else {
        cmopt_depthwise_finish(call, sums, out, CMOPT_GENERAL, true);
    }
}

/* A place in an image: the first tap inside it of a window, with `rows` rows of `columns` taps
 * inside, and the weights of that tap. */
typedef struct {
    const int8_t *from;
    const cmopt_weight *weights;
    int32_t rows;
    int32_t columns;
} cmopt_place;

/* Results of four channels of one pixel. */
CMOPT_NOINLINE void cmopt_depthwise_pixel(const cmopt_depthwise *call,
                                          const cmopt_place *place,
                                          int8_t *out)
{
    const int32_t *const start = call->taps.start;
    int32_t sums[4] = {start[0], start[1], start[2], start[3]};
    const int32_t next_row = call->taps.next * call->filter->w;
    if (call->one) {
        const int8_t *x = place->from;
        const cmopt_weight *w = place->weights;
        for (int32_t rows = place->rows; rows > 0; rows--, x += call->pitch, w += next_row) {
            cmopt_taps_row_of_one(&call->taps, x, w, place->columns, call->step, sums);
        }
    } else {
        cmopt_taps_rows(&call->taps, place->from, place->weights, place->rows, place->columns,
                        call->step, call->pitch, next_row, sums);
    }
    cmopt_depthwise_finish_any(call, sums, out);
}

#ifdef CMOPT_DSP
/* Whether cmopt_depthwise_narrow computes a call. */
static inline bool cmopt_is_narrow(const cmopt_depthwise *call)
{
    return call->one && call->in->c == 1 && call->filter->w <= 4 && call->step == 1 &&
           call->filter->h <= CMOPT_MOST_ROWS;
}

/* Four channels of an image of one channel, with up to four taps in a row. */
CMOPT_NOINLINE void
cmopt_depthwise_narrow(const cmopt_depthwise *call, const int8_t *image, int8_t *out)
{
    const cmsis_nn_dw_conv_params *p = call->params;
    const int32_t width = call->in->w;
    for (int32_t oy = 0; oy < call->out->h; oy++) {
        const cmopt_window rows = cmopt_window_at(oy, p->stride.h, p->padding.h, p->dilation.h,
                                                  call->filter->h, call->in->h);
        const bool empty = rows.end <= rows.begin;
        const int8_t *const row =
            image + (empty ? 0 : (rows.origin + rows.begin * p->dilation.h) * width);
        const cmopt_weight *const weights = call->taps.weights + 8 * rows.begin;
        int32_t x = -p->padding.w;
        for (int32_t ox = 0; ox < call->out->w; ox++, x += p->stride.w, out += call->out->c) {
            const int32_t *const start = call->taps.start;
            int32_t sums[4] = {start[0], start[1], start[2], start[3]};
            cmopt_narrow_rows(&call->taps, row, x, width, weights, rows.end - rows.begin,
                              call->pitch, sums);
            cmopt_depthwise_finish_any(call, sums, out);
        }
    }
}
#endif

/* Results of `count` pixels with a 3x3 window inside the input. */
CMOPT_INLINE void cmopt_depthwise_3x3(const cmopt_depthwise *call,
                                      const int8_t *from,
                                      int32_t count,
                                      int8_t *out,
                                      cmopt_kind kind,
                                      bool clamped)
{
    const int32_t stride = call->params->stride.w * call->in->c;
    const int32_t depth = call->out->c;
    for (; count > 0; count--, from += stride, out += depth) {
        int32_t sums[4];
        cmopt_taps_3x3(&call->taps, from, call->step, call->pitch, sums);
        cmopt_depthwise_finish(call, sums, out, kind, clamped);
    }
}

CMOPT_NOINLINE void cmopt_depthwise_run(const cmopt_depthwise *call,
                                        const int8_t *from,
                                        int32_t count,
                                        int8_t *out)
{
    if (call->output.kind == CMOPT_UP && !call->output.clamped) {
        cmopt_depthwise_3x3(call, from, count, out, CMOPT_UP, false);
    } else if (call->output.kind != CMOPT_GENERAL) {
        cmopt_depthwise_3x3(call, from, count, out, CMOPT_AWAY, true);
    } else {
        cmopt_depthwise_3x3(call, from, count, out, CMOPT_GENERAL, true);
    }
}

/* Four channels of an image. `image` is at the first channel that they read, `out` at the first of
 * them. */
static void cmopt_depthwise_image(const cmopt_depthwise *call, const int8_t *image, int8_t *out)
{
    const cmsis_nn_dw_conv_params *p = call->params;
    const int32_t channels = call->in->c;
    const int32_t in_pitch = call->in->w * channels;
    const int32_t kh = call->filter->h;
    const int32_t kw = call->filter->w;
    const int32_t next = call->taps.next;
    const int32_t last = call->in->w - 1 - (kw - 1) * p->dilation.w;
    const bool fixed = kh == 3 && kw == 3 && !call->one;
    for (int32_t oy = 0; oy < call->out->h; oy++) {
        const cmopt_window rows = cmopt_window_at(oy, p->stride.h, p->padding.h, p->dilation.h,
                                                  kh, call->in->h);
        const bool empty = rows.end <= rows.begin;
        const int8_t *const row =
            image + (empty ? 0 : (rows.origin + rows.begin * p->dilation.h) * in_pitch);
        const cmopt_weight *const weights = call->taps.weights + rows.begin * kw * next;
        cmopt_place place = {row, weights, rows.end - rows.begin, kw};
        int32_t x = -p->padding.w;
        for (int32_t ox = 0; ox < call->out->w;) {
            if (x >= 0 && x <= last) {
                const int32_t most = (last - x) / p->stride.w + 1;
                const int32_t left = call->out->w - ox;
                const int32_t count = most < left ? most : left;
                const int8_t *from = row + x * channels;
                if (fixed && place.rows == 3) {
                    cmopt_depthwise_run(call, from, count, out);
                } else {
                    place.weights = weights;
                    place.columns = kw;
                    for (int32_t i = 0; i < count; i++) {
                        place.from = from + i * p->stride.w * channels;
                        cmopt_depthwise_pixel(call, &place, out + i * call->out->c);
                    }
                }
                ox += count;
                x += count * p->stride.w;
                out += count * call->out->c;
                continue;
            }
            const cmopt_window columns = cmopt_window_at(x, 1, 0, p->dilation.w, kw, call->in->w);
            place.from = row;
            if (columns.end > columns.begin) {
                place.from += x * channels + columns.begin * call->step;
            }
            place.weights = weights + columns.begin * next;
            place.columns = columns.end - columns.begin;
            cmopt_depthwise_pixel(call, &place, out);
            ox++;
            x += p->stride.w;
            out += call->out->c;
        }
    }
}

/* Whole groups of four channels that read four channels, or all one. Returns how many channels. */
static int32_t cmopt_depthwise_conv(const cmsis_nn_dw_conv_params *params,
                                    const cmsis_nn_per_channel_quant_params *quant,
                                    const cmsis_nn_dims *in,
                                    const int8_t *input,
                                    const cmsis_nn_dims *filter,
                                    const int8_t *weights,
                                    const int32_t *bias,
                                    const cmsis_nn_dims *out,
                                    int8_t *output)
{
    cmopt_depthwise call;
    const bool one = params->ch_mult != 1;
    if ((one && params->ch_mult % 4 != 0 && in->c != 1) ||
        filter->h * filter->w > CMOPT_MOST_TAPS || params->input_offset < -127 ||
        params->input_offset > 128) {
        return 0;
    }
    call.params = params;
    call.in = in;
    call.filter = filter;
    call.out = out;
    call.output = cmopt_output_of(quant->multiplier, quant->shift, out->c, params->output_offset,
                                  params->activation);
    call.step = params->dilation.w * in->c;
    call.pitch = params->dilation.h * in->w * in->c;
    call.one = one;
    const int32_t image = in->h * in->w * in->c;
    const int32_t result = out->h * out->w * out->c;
    int32_t c = 0;
    for (; c + 4 <= out->c; c += 4) {
        for (int32_t i = 0; i < 4; i++) {
            call.taps.start[i] = bias != NULL ? bias[c + i] : 0;
        }
        call.multipliers = quant->multiplier + c;
        call.shifts = quant->shift + c;
        cmopt_taps_begin(&call.taps, weights + c, out->c, filter->h * filter->w,
                         params->input_offset);
#ifdef CMOPT_DSP
        if (cmopt_is_narrow(&call)) {
            cmopt_narrow_begin(&call.taps, weights + c, out->c, filter->h, filter->w);
            for (int32_t n = 0; n < in->n; n++) {
                cmopt_depthwise_narrow(&call, input + n * image, output + n * result + c);
            }
            continue;
        }
#endif
        for (int32_t n = 0; n < in->n; n++) {
            cmopt_depthwise_image(&call, input + n * image + (one ? c / params->ch_mult : c),
                                  output + n * result + c);
        }
    }
    return c;
}

#endif /* CMOPT_CMSIS_NN_DEPTHWISE_H */
