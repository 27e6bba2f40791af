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
    int32_t start[4];
    const int32_t *multipliers;
    const int32_t *shifts;
    cmopt_taps taps;
} cmopt_depthwise;

/* Results of four channels of a pixel. The window's first tap inside the input is at `from`; it has
 * `rows` rows of `columns` taps. `weights` are those of its first tap. */
CMOPT_INLINE void cmopt_depthwise_pixel(const cmopt_depthwise *call,
                                        const int8_t *from,
                                        const cmopt_weight *weights,
                                        int32_t rows,
                                        int32_t columns,
                                        int32_t step,
                                        int32_t pitch,
                                        int8_t *out,
                                        cmopt_kind kind,
                                        bool clamped)
{
    int32_t sums[4] = {call->start[0], call->start[1], call->start[2], call->start[3]};
    const int32_t next = call->taps.next;
    const int32_t next_row = next * call->filter->w;
    for (; rows > 0; rows--, from += pitch, weights += next_row) {
        const cmopt_weight *w = weights;
        if (columns == 3) {
            cmopt_tap(&call->taps, from, w, sums);
            cmopt_tap(&call->taps, from + step, w + next, sums);
            cmopt_tap(&call->taps, from + 2 * step, w + 2 * next, sums);
        } else {
            const int8_t *x = from;
            for (int32_t left = columns; left > 0; left--, x += step, w += next) {
                cmopt_tap(&call->taps, x, w, sums);
            }
        }
    }
    for (int32_t i = 0; i < 4; i++) {
        out[i] = cmopt_result(sums[i], call->multipliers[i], call->shifts[i], &call->output, kind,
                              clamped);
    }
}

/* Four channels of an image. `image` and `out` are at the first of them. */
CMOPT_INLINE void cmopt_depthwise_image(const cmopt_depthwise *call,
                                        const int8_t *image,
                                        int8_t *out,
                                        cmopt_kind kind,
                                        bool clamped)
{
    const cmsis_nn_dw_conv_params *p = call->params;
    const int32_t channels = call->in->c;
    const int32_t step = p->dilation.w * channels;
    const int32_t in_pitch = call->in->w * channels;
    const int32_t pitch = p->dilation.h * in_pitch;
    const int32_t kw = call->filter->w;
    const int32_t next = call->taps.next;
    for (int32_t oy = 0; oy < call->out->h; oy++) {
        const cmopt_window rows = cmopt_window_at(oy, p->stride.h, p->padding.h, p->dilation.h,
                                                  call->filter->h, call->in->h);
        const int8_t *const row =
            image + (rows.origin + rows.begin * p->dilation.h) * in_pitch;
        const cmopt_weight *const weights = call->taps.weights + rows.begin * kw * next;
        const int32_t last = call->in->w - 1 - (kw - 1) * p->dilation.w;
        int32_t x = -p->padding.w;
        for (int32_t ox = 0; ox < call->out->w; ox++, x += p->stride.w, out += channels) {
            cmopt_window columns = {x, 0, kw};
            if (x < 0 || x > last) {
                columns = cmopt_window_at(x, 1, 0, p->dilation.w, kw, call->in->w);
            }
            cmopt_depthwise_pixel(call, row + x * channels + columns.begin * step,
                                  weights + columns.begin * next, rows.end - rows.begin,
                                  columns.end - columns.begin, step, pitch, out, kind, clamped);
        }
    }
}

/* Whole groups of four channels, for a channel multiplier of 1. Returns how many channels. */
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
    if (params->ch_mult != 1 || filter->h * filter->w > CMOPT_MOST_TAPS ||
        params->input_offset < -127 || params->input_offset > 128) {
        return 0;
    }
    call.params = params;
    call.in = in;
    call.filter = filter;
    call.out = out;
    call.output = cmopt_output_of(quant->multiplier, quant->shift, out->c, params->output_offset,
                                  params->activation);
    const int32_t image = in->h * in->w * in->c;
    const int32_t result = out->h * out->w * out->c;
    int32_t c = 0;
    for (; c + 4 <= in->c; c += 4) {
        for (int32_t i = 0; i < 4; i++) {
            call.start[i] = bias != NULL ? bias[c + i] : 0;
        }
        call.multipliers = quant->multiplier + c;
        call.shifts = quant->shift + c;
        cmopt_taps_begin(&call.taps, weights + c, in->c, filter->h * filter->w,
                         params->input_offset);
        for (int32_t n = 0; n < in->n; n++) {
            const int8_t *const from = input + n * image + c;
            int8_t *const to = output + n * result + c;
            if (call.output.kind == CMOPT_UP && !call.output.clamped) {
                cmopt_depthwise_image(&call, from, to, CMOPT_UP, false);
            } else if (call.output.kind == CMOPT_AWAY && !call.output.clamped) {
                cmopt_depthwise_image(&call, from, to, CMOPT_AWAY, false);
            } else {
                cmopt_depthwise_image(&call, from, to, call.output.kind, true);
            }
        }
    }
    return c;
}

#endif /* CMOPT_CMSIS_NN_DEPTHWISE_H */
