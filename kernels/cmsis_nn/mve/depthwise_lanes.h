/*
 * Sums of a depthwise convolution with vectors: sixteen channels at a time, or sixteen values of up
 * to eight channels of adjacent pixels.
 *
 * Two products of int8 values fit 16 bits, unless both are 128 * 128. So two taps are added in 16
 * bits before they are added to sums of 32 bits.
 */
#ifndef CMOPT_CMSIS_NN_MVE_DEPTHWISE_LANES_H
#define CMOPT_CMSIS_NN_MVE_DEPTHWISE_LANES_H

#include <stddef.h>

#include "../fixed_point.h"
#include "order.h"
#include "requantize.h"

enum {
    CMOPT_DW_LANES = 16,
    CMOPT_DW_SCRATCH = 496 /* bytes for each tap: what CMSIS-NN plans */
};

/* What a call computes, and sixteen lanes of it. Lists of 32-bit values have the order of
 * cmopt_mve_sums. */
typedef struct {
    const cmsis_nn_dw_conv_params *params;
    const cmsis_nn_dims *in;
    const cmsis_nn_dims *filter;
    const cmsis_nn_dims *out;
    cmopt_mve_output output;
    int32_t taps;
    const int8_t **places; /* of each tap of an output row's first vector */
    int8_t *weights;       /* sixteen for each tap */
    int8_t *strip;         /* as many rows as the filter has, and sixteen bytes */
    const int8_t *rows[3]; /* of a filter of three rows */
    int32_t unit;          /* bytes of a pixel in a row */
    int32_t lanes;         /* used lanes of a pixel, or of a vector if pixels are adjacent */
    bool paired;           /* two products fit 16 bits */
    bool fixed;            /* a paired 3x3 filter */
    bool plain;            /* all lanes are used, and results need no clamp */
    int32_t start[CMOPT_DW_LANES];
    int32_t multipliers[CMOPT_DW_LANES];
    int32_t shifts[CMOPT_DW_LANES];
} cmopt_mve_depthwise;

/* Whether vectors hold adjacent pixels. */
static inline bool cmopt_mve_depthwise_adjacent(const cmsis_nn_dw_conv_params *params,
                                                const cmsis_nn_dims *in)
{
    return params->stride.w == 1 && in->c < CMOPT_DW_LANES && CMOPT_DW_LANES % in->c == 0;
}

/* Bytes of a pixel in a strip. */
static inline int32_t cmopt_mve_depthwise_unit(const cmsis_nn_dw_conv_params *params,
                                               const cmsis_nn_dims *in)
{
    return cmopt_mve_depthwise_adjacent(params, in) ? in->c : CMOPT_DW_LANES;
}

/* Scratch without the strip: weights, places, room to align them, and to read past a strip. */
static inline int32_t cmopt_mve_depthwise_fixed_bytes(int32_t taps)
{
    return taps * (CMOPT_DW_LANES + (int32_t)sizeof(int8_t *)) + (int32_t)sizeof(int8_t *) +
           CMOPT_DW_LANES;
}

/* Columns of output that are computed from one strip; 0 if the scratch does not allow one. */
static inline int32_t cmopt_mve_depthwise_columns(const cmsis_nn_dw_conv_params *params,
                                                  const cmsis_nn_dims *in,
                                                  const cmsis_nn_dims *filter,
                                                  const cmsis_nn_dims *out)
{
    const int32_t taps = filter->h * filter->w;
    const int32_t room = CMOPT_DW_SCRATCH * taps - cmopt_mve_depthwise_fixed_bytes(taps);
    const int32_t pixels = room / (filter->h * cmopt_mve_depthwise_unit(params, in));
    if (pixels < filter->w) {
        return 0;
    }
    const int32_t columns = (pixels - filter->w) / params->stride.w + 1;
    return columns < out->w ? columns : out->w;
}

/* Whether the call can be computed so: the shapes alone. */
static inline bool cmopt_mve_depthwise_fits(const cmsis_nn_dw_conv_params *params,
                                            const cmsis_nn_dims *in,
                                            const cmsis_nn_dims *filter,
                                            const cmsis_nn_dims *out)
{
    /* 255 weights of -128 add up to 16 bits. */
    return in->n == 1 && in->c == out->c && in->c >= 1 && params->dilation.h == 1 &&
           params->dilation.w == 1 && filter->h >= 1 && filter->w >= 1 && filter->h <= 255 &&
           filter->w <= 255 && filter->h * filter->w <= 255 &&
           cmopt_mve_depthwise_columns(params, in, filter, out) > 0;
}

static inline int32_t cmopt_mve_depthwise_bytes(const cmsis_nn_dw_conv_params *params,
                                                const cmsis_nn_dims *in,
                                                const cmsis_nn_dims *filter,
                                                const cmsis_nn_dims *out)
{
    const int32_t columns = cmopt_mve_depthwise_columns(params, in, filter, out);
    const int32_t pixels = (columns - 1) * params->stride.w + filter->w;
    return cmopt_mve_depthwise_fixed_bytes(filter->h * filter->w) +
           filter->h * pixels * cmopt_mve_depthwise_unit(params, in);
}

/* The lanes of channels from `first` on, repeated if pixels are adjacent. */
static inline void cmopt_mve_depthwise_lanes(cmopt_mve_depthwise *call,
                                             const int8_t *filter,
                                             const int32_t *bias,
                                             const cmsis_nn_per_channel_quant_params *quant,
                                             int32_t first)
{
    const int32_t depth = call->out->c;
    const int32_t lanes = call->lanes;
    const int32_t channels = call->unit;
    const mve_pred16_t used = vctp8q((uint32_t)lanes);
    int16x8_t low = vdupq_n_s16(0);
    int16x8_t high = vdupq_n_s16(0);
    int8x16_t previous = vdupq_n_s8(0);
    int8x16_t least = vdupq_n_s8(0); /* the larger weight of each pair, the least of all */
    int8_t *weights = call->weights;
    /* Lane i reads channel first + i % channels. */
    const uint8x16_t lane = vandq_u8(vidupq_n_u8(0, 1), vdupq_n_u8((uint8_t)(channels - 1)));
    for (int32_t tap = 0; tap < call->taps; tap++) {
        const int8_t *row = filter + tap * depth + first;
        const int8x16_t w = channels < CMOPT_DW_LANES
                                ? vldrbq_gather_offset_z_s8(row, lane, used)
                                : vldrbq_z_s8(row, used);
        if (tap & 1) {
            least = vminq_s8(least, vmaxq_s8(previous, w));
        }
        previous = w;
        low = vaddq_s16(low, vmovlbq_s8(w));
        high = vaddq_s16(high, vmovltq_s8(w));
        vstrbq_s8(weights, w);
        weights += CMOPT_DW_LANES;
    }
    call->paired = vminvq_s8(INT8_MAX, least) > INT8_MIN;
    int16_t sums[CMOPT_DW_LANES]; /* even lanes, then odd lanes */
    vstrhq_s16(sums, low);
    vstrhq_s16(sums + 8, high);
    const int32_t offset = call->params->input_offset;
    for (int32_t i = 0; i < CMOPT_DW_LANES; i++) {
        const int32_t place = cmopt_mve_place(i);
        const int32_t channel = first + (i & (channels - 1));
        const bool real = i < lanes;
        const int32_t sum = sums[(i & 1) * 8 + (i >> 1)];
        call->start[place] = real ? cmopt_wrapping_add(bias != NULL ? bias[channel] : 0,
                                                       cmopt_wrapping_mul(sum, offset))
                                  : 0;
        call->multipliers[place] = real ? quant->multiplier[channel] : 0;
        call->shifts[place] = real ? quant->shift[channel] : -1;
    }
}

/* Adds 16-bit products: those of the even lanes, and those of the odd lanes. */
CMOPT_INLINE void cmopt_mve_add_even(cmopt_mve_sums *sums, int16x8_t products)
{
    sums->a = vaddq_s32(sums->a, vmovlbq_s16(products));
    sums->b = vaddq_s32(sums->b, vmovltq_s16(products));
    CMOPT_MVE_NOW(sums->a, sums->b);
}

CMOPT_INLINE void cmopt_mve_add_odd(cmopt_mve_sums *sums, int16x8_t products)
{
    sums->c = vaddq_s32(sums->c, vmovlbq_s16(products));
    sums->d = vaddq_s32(sums->d, vmovltq_s16(products));
    CMOPT_MVE_NOW(sums->c, sums->d);
}

CMOPT_INLINE void cmopt_mve_add_tap(cmopt_mve_sums *sums, const int8_t *x, const int8_t *w)
{
    const int8x16_t values = vldrbq_s8(x);
    const int8x16_t weights = vldrbq_s8(w);
    cmopt_mve_add_even(sums, vmullbq_int_s8(values, weights));
    cmopt_mve_add_odd(sums, vmulltq_int_s8(values, weights));
}

/* Two taps. The second input is loaded twice, since all eight registers are in use. */
CMOPT_INLINE void cmopt_mve_add_taps(cmopt_mve_sums *sums,
                                     const int8_t *x0,
                                     const int8_t *x1,
                                     const int8_t *w)
{
    const int8x16_t first = vldrbq_s8(x0);
    const int8x16_t first_weights = vldrbq_s8(w);
    int16x8_t even = vmullbq_int_s8(first, first_weights);
    int16x8_t odd = vmulltq_int_s8(first, first_weights);
    CMOPT_MVE_IN_ORDER();
    const int8x16_t weights = vldrbq_s8(w + CMOPT_DW_LANES);
    odd = vaddq_s16(odd, vmulltq_int_s8(vldrbq_s8(x1), weights));
    cmopt_mve_add_odd(sums, odd);
    CMOPT_MVE_IN_ORDER();
    even = vaddq_s16(even, vmullbq_int_s8(vldrbq_s8(x1), weights));
    cmopt_mve_add_even(sums, even);
    CMOPT_MVE_IN_ORDER();
}

CMOPT_INLINE cmopt_mve_sums cmopt_mve_depthwise_start(const cmopt_mve_depthwise *call)
{
    const cmopt_mve_sums sums = {vldrwq_s32(call->start), vldrwq_s32(call->start + 4),
                                 vldrwq_s32(call->start + 8), vldrwq_s32(call->start + 12)};
    return sums;
}

CMOPT_INLINE void cmopt_mve_depthwise_store(const cmopt_mve_depthwise *call,
                                            cmopt_mve_sums sums,
                                            int32_t lanes,
                                            int8_t *out)
{
    const int8x16_t results = cmopt_mve_finish(sums, call->multipliers, call->shifts,
                                               &call->output, call->output.kind, true);
    vstrbq_p_s8(out, results, vctp8q((uint32_t)lanes));
}

/* `count` vectors of results, `step` bytes of a strip and `out_step` bytes of output apart. */
static void cmopt_mve_depthwise_any(const cmopt_mve_depthwise *call,
                                    int32_t count,
                                    int32_t step,
                                    int32_t out_step,
                                    int32_t lanes,
                                    int8_t *out)
{
    for (int32_t at = 0; count > 0; count--, at += step, out += out_step) {
        cmopt_mve_sums sums = cmopt_mve_depthwise_start(call);
        const int8_t *const *places = call->places;
        const int8_t *weights = call->weights;
        int32_t left = call->taps;
        if (call->paired) {
            for (; left >= 2; left -= 2) {
                cmopt_mve_add_taps(&sums, places[0] + at, places[1] + at, weights);
                places += 2;
                weights += 2 * CMOPT_DW_LANES;
            }
        }
        for (; left > 0; left--) {
            cmopt_mve_add_tap(&sums, *places++ + at, weights);
            weights += CMOPT_DW_LANES;
        }
        cmopt_mve_depthwise_store(call, sums, lanes, out);
    }
}

/* The same for a 3x3 filter with paired products, from byte `at` of the rows. plain: all lanes are
 * used, the kind is CMOPT_MVE_UP, and no clamp is needed. */
CMOPT_INLINE void cmopt_mve_depthwise_3x3(const cmopt_mve_depthwise *call,
                                          bool plain,
                                          int32_t unit,
                                          int32_t at,
                                          int32_t count,
                                          int32_t step,
                                          int32_t out_step,
                                          int32_t lanes,
                                          int8_t *out)
{
    const int8_t *row0 = call->rows[0] + at;
    const int8_t *row1 = call->rows[1] + at;
    const int8_t *row2 = call->rows[2] + at;
    for (; count > 0; count--) {
        CMOPT_MVE_NEAR(call);
        const int8_t *w = call->weights;
        CMOPT_MVE_NEAR(w);
        CMOPT_MVE_NEAR(row0);
        CMOPT_MVE_NEAR(row1);
        CMOPT_MVE_NEAR(row2);
        cmopt_mve_sums sums = cmopt_mve_depthwise_start(call);
        cmopt_mve_add_taps(&sums, row0, row0 + unit, w);
        cmopt_mve_add_taps(&sums, row0 + 2 * unit, row1, w + 32);
        cmopt_mve_add_taps(&sums, row1 + unit, row1 + 2 * unit, w + 64);
        cmopt_mve_add_taps(&sums, row2, row2 + unit, w + 96);
        cmopt_mve_add_tap(&sums, row2 + 2 * unit, w + 128);
        if (plain) {
            vstrbq_s8(out, cmopt_mve_finish(sums, call->multipliers, call->shifts, &call->output,
                                            CMOPT_MVE_UP, false));
        } else {
            cmopt_mve_depthwise_store(call, sums, lanes, out);
        }
        row0 += step;
        row1 += step;
        row2 += step;
        out += out_step;
    }
}

CMOPT_NOINLINE void cmopt_mve_depthwise_3x3_plain(const cmopt_mve_depthwise *call,
                                                  int32_t count,
                                                  int32_t step,
                                                  int32_t out_step,
                                                  int8_t *out)
{
    cmopt_mve_depthwise_3x3(call, true, CMOPT_DW_LANES, 0, count, step, out_step, CMOPT_DW_LANES,
                            out);
}

CMOPT_NOINLINE void cmopt_mve_depthwise_3x3_lanes(const cmopt_mve_depthwise *call,
                                                  int32_t count,
                                                  int32_t step,
                                                  int32_t out_step,
                                                  int32_t lanes,
                                                  int8_t *out)
{
    cmopt_mve_depthwise_3x3(call, false, CMOPT_DW_LANES, 0, count, step, out_step, lanes, out);
}

CMOPT_NOINLINE void
cmopt_mve_depthwise_3x3_adjacent(const cmopt_mve_depthwise *call, int32_t count, int8_t *out)
{
    int32_t at = 0;
    if (call->plain) {
        const int32_t whole = count / CMOPT_DW_LANES;
        cmopt_mve_depthwise_3x3(call, true, call->unit, 0, whole, 16, 16, 16, out);
        at = whole * CMOPT_DW_LANES;
    }
    for (; at < count; at += CMOPT_DW_LANES) {
        cmopt_mve_depthwise_3x3(call, false, call->unit, at, 1, 16, 16, count - at, out + at);
    }
}

/* A row of output from a strip: `count` pixels. */
static void cmopt_mve_depthwise_row(const cmopt_mve_depthwise *call, int32_t count, int8_t *out)
{
    if (call->unit == CMOPT_DW_LANES) {
        const int32_t step = call->params->stride.w * CMOPT_DW_LANES;
        if (!call->fixed) {
            cmopt_mve_depthwise_any(call, count, step, call->in->c, call->lanes, out);
        } else if (call->plain) {
            cmopt_mve_depthwise_3x3_plain(call, count, step, call->in->c, out);
        } else {
            cmopt_mve_depthwise_3x3_lanes(call, count, step, call->in->c, call->lanes, out);
        }
        return;
    }
    count *= call->unit;
    if (call->fixed) {
        cmopt_mve_depthwise_3x3_adjacent(call, count, out);
        return;
    }
    const int32_t whole = count / CMOPT_DW_LANES;
    cmopt_mve_depthwise_any(call, whole, 16, 16, 16, out);
    for (int32_t tap = 0; tap < call->taps; tap++) {
        call->places[tap] += 16 * whole;
    }
    cmopt_mve_depthwise_any(call, count % 16 > 0 ? 1 : 0, 16, 16, count % 16, out + 16 * whole);
}

#endif /* CMOPT_CMSIS_NN_MVE_DEPTHWISE_LANES_H */
