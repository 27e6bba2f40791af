/*
 * Results of int8 rows times a weight matrix, on vectors. Products are in dot.h.
 */
#ifndef CMOPT_CMSIS_NN_MVE_MATRIX_H
#define CMOPT_CMSIS_NN_MVE_MATRIX_H

#include <stddef.h>

#include "../fixed_point.h"
#include "dot.h"
#include "order.h"
#include "requantize.h"

enum {
    CMOPT_MATRIX_LANES = 16,
    CMOPT_MATRIX_CHANNELS = 64 /* the most of one block: its sums are on the stack */
};

/* A block of channels. A sum begins with the channel's start. */
typedef struct {
    const int8_t *weights; /* [channels][columns] */
    int32_t columns;
    int32_t channels;
    const int32_t *start;
    const int32_t *multipliers; /* of each channel, or sixteen equal ones for all */
    const int32_t *shifts;
    int32_t step; /* from a channel's multiplier to the next: 1 or 0 */
    int32_t last_start[CMOPT_MATRIX_LANES]; /* of the last, incomplete sixteen channels */
    int32_t last_multipliers[CMOPT_MATRIX_LANES];
    int32_t last_shifts[CMOPT_MATRIX_LANES];
    cmopt_mve_output output;
    bool clamped; /* the bounds are not int8's */
    bool wide;    /* not here */
} cmopt_matrix;

/* Rows are not widened. */
enum { CMOPT_WIDENS = 0 };

/* Sets the output of a call with `count` channels. False if vectors do not compute it. */
static inline bool cmopt_matrix_output(cmopt_matrix *m,
                                       const int32_t *multipliers,
                                       const int32_t *shifts,
                                       int32_t count,
                                       int32_t offset,
                                       cmsis_nn_activation activation)
{
    m->output = cmopt_mve_output_of(multipliers, shifts, count, offset, activation);
    m->clamped = activation.min != INT8_MIN || activation.max != INT8_MAX;
    return m->output.kind != CMOPT_MVE_NONE;
}

/* After the channels are set: fills up the values of the last, incomplete sixteen channels. */
static inline void cmopt_matrix_begin(cmopt_matrix *m)
{
    const int32_t count = m->channels % CMOPT_MATRIX_LANES;
    const int32_t first = m->channels - count;
    for (int32_t i = 0; i < CMOPT_MATRIX_LANES; i++) {
        const int32_t from = m->step * (first + i);
        m->last_start[i] = i < count ? m->start[first + i] : 0;
        m->last_multipliers[i] = i < count ? m->multipliers[from] : 0;
        m->last_shifts[i] = i < count ? m->shifts[from] : -1;
    }
}

/* Sixteen sums with their start. */
CMOPT_INLINE cmopt_mve_sums cmopt_mve_matrix_sums(const int32_t *from, const int32_t *start)
{
    const int32x4x4_t first = vld4q_s32(start);
    const cmopt_mve_sums sums = {vaddq_s32(vldrwq_s32(from), first.val[0]),
                                 vaddq_s32(vldrwq_s32(from + 4), first.val[2]),
                                 vaddq_s32(vldrwq_s32(from + 8), first.val[1]),
                                 vaddq_s32(vldrwq_s32(from + 12), first.val[3])};
    return sums;
}

/* Sixteen results, for negative shifts. */
CMOPT_INLINE int8x16_t cmopt_mve_matrix_scale(cmopt_mve_sums sums,
                                              const int32_t *multipliers,
                                              const int32_t *shifts,
                                              const cmopt_mve_output *output,
                                              bool away,
                                              bool clamped)
{
    CMOPT_MVE_IN_ORDER();
    const int32x4x4_t by = vld4q_s32(multipliers);
    sums.a = vqrdmulhq_s32(sums.a, by.val[0]);
    sums.c = vqrdmulhq_s32(sums.c, by.val[1]);
    sums.b = vqrdmulhq_s32(sums.b, by.val[2]);
    sums.d = vqrdmulhq_s32(sums.d, by.val[3]);
    if (away) {
        sums.a = cmopt_mve_away(sums.a);
        sums.b = cmopt_mve_away(sums.b);
        sums.c = cmopt_mve_away(sums.c);
        sums.d = cmopt_mve_away(sums.d);
    }
    CMOPT_MVE_NOW(sums.a, sums.b);
    CMOPT_MVE_NOW(sums.c, sums.d);
    CMOPT_MVE_IN_ORDER();
    const int32x4x4_t shift = vld4q_s32(shifts);
    sums.a = vrshlq_s32(sums.a, shift.val[0]);
    sums.c = vrshlq_s32(sums.c, shift.val[1]);
    sums.b = vrshlq_s32(sums.b, shift.val[2]);
    sums.d = vrshlq_s32(sums.d, shift.val[3]);
    return cmopt_mve_narrow(sums, output, clamped);
}

/* Sixteen results, for any shifts. */
CMOPT_INLINE int8x16_t cmopt_mve_matrix_scale_any(cmopt_mve_sums sums,
                                                  const int32_t *multipliers,
                                                  const int32_t *shifts,
                                                  const cmopt_mve_output *output)
{
    const int32x4x4_t by = vld4q_s32(multipliers);
    const int32x4x4_t shift = vld4q_s32(shifts);
    sums.a = cmopt_mve_clamp(cmopt_mve_scale(sums.a, by.val[0], shift.val[0]), output);
    sums.c = cmopt_mve_clamp(cmopt_mve_scale(sums.c, by.val[1], shift.val[1]), output);
    sums.b = cmopt_mve_clamp(cmopt_mve_scale(sums.b, by.val[2], shift.val[2]), output);
    sums.d = cmopt_mve_clamp(cmopt_mve_scale(sums.d, by.val[3], shift.val[3]), output);
    return cmopt_mve_pack(sums);
}

/* The same of `rows` rows, sixteen sums after each other, to out[r] + first. */
CMOPT_INLINE void cmopt_mve_matrix_store_16(const int32_t *from,
                                            const int32_t *start,
                                            const int32_t *multipliers,
                                            const int32_t *shifts,
                                            const cmopt_mve_output *output,
                                            bool away,
                                            int32_t rows,
                                            int32_t first,
                                            int8_t *const *out)
{
    for (; rows > 0; rows--, from += CMOPT_MATRIX_LANES) {
        vstrbq_s8(*out++ + first,
                  cmopt_mve_matrix_scale(cmopt_mve_matrix_sums(from, start), multipliers, shifts,
                                         output, away, false));
    }
}

/* The same, for any output and number of channels. */
CMOPT_NOINLINE void cmopt_mve_matrix_store_any(const int32_t *from,
                                               const int32_t *start,
                                               const int32_t *multipliers,
                                               const int32_t *shifts,
                                               const cmopt_mve_output *output,
                                               int32_t lanes,
                                               int32_t rows,
                                               int32_t first,
                                               int8_t *const *out)
{
    const mve_pred16_t used = vctp8q((uint32_t)lanes);
    for (; rows > 0; rows--, from += CMOPT_MATRIX_LANES) {
        const cmopt_mve_sums sums = cmopt_mve_matrix_sums(from, start);
        int8x16_t results;
        if (output->kind == CMOPT_MVE_GENERAL) {
            results = cmopt_mve_matrix_scale_any(sums, multipliers, shifts, output);
        } else if (output->kind == CMOPT_MVE_AWAY) {
            results = cmopt_mve_matrix_scale(sums, multipliers, shifts, output, true, true);
        } else {
            results = cmopt_mve_matrix_scale(sums, multipliers, shifts, output, false, true);
        }
        vstrbq_p_s8(*out++ + first, results, used);
    }
}

/* Writes the results of `rows` rows in sixteen channels from `first` on, or in fewer. Sums are in
 * the order of cmopt_mve_sums. out[r] is at the block's first channel. */
CMOPT_NOINLINE void cmopt_mve_matrix_store(const cmopt_matrix *m,
                                           const int32_t *from,
                                           int32_t rows,
                                           int32_t first,
                                           int8_t *const *out)
{
    const int32_t lanes = m->channels - first;
    const int32_t *start = m->start + first;
    const int32_t *multipliers = m->multipliers + m->step * first;
    const int32_t *shifts = m->shifts + m->step * first;
    const cmopt_mve_output *output = &m->output;
    if (lanes < CMOPT_MATRIX_LANES) {
        cmopt_mve_matrix_store_any(from, m->last_start, m->last_multipliers, m->last_shifts, output,
                                   lanes, rows, first, out);
    } else if (m->clamped || output->kind == CMOPT_MVE_GENERAL) {
        cmopt_mve_matrix_store_any(from, start, multipliers, shifts, output, lanes, rows, first,
                                   out);
    } else if (output->kind == CMOPT_MVE_UP) {
        cmopt_mve_matrix_store_16(from, start, multipliers, shifts, output, false, rows, first,
                                  out);
    } else {
        cmopt_mve_matrix_store_16(from, start, multipliers, shifts, output, true, rows, first, out);
    }
}

/* Writes one row's products with `count` channels' weights, four at most, to their places. The
 * sums begin with `more`. */
CMOPT_INLINE void cmopt_mve_matrix_dot(const int8_t *x,
                                       const int8_t *w,
                                       int32_t columns,
                                       int32_t count,
                                       int32_t more,
                                       int32_t *to)
{
    int32_t dots[4] = {more, more, more, more};
    const int8_t *w1 = count > 1 ? w + columns : w;
    const int8_t *w2 = count > 2 ? w1 + columns : w;
    const int8_t *w3 = count > 3 ? w2 + columns : w;
    cmopt_mve_dot_1x4(x, w, w1, w2, w3, columns, dots);
    to[CMOPT_PLACE_0] = dots[0];
    to[CMOPT_PLACE_1] = dots[1];
    to[CMOPT_PLACE_2] = dots[2];
    to[CMOPT_PLACE_3] = dots[3];
}

/* Results of three rows in all channels of the block. out[r] is at the block's first channel. */
CMOPT_NOINLINE void cmopt_matrix_rows(const cmopt_matrix *m,
                                      const int8_t *const *x,
                                      int8_t *const *out)
{
    const int8_t *w = m->weights;
    int32_t sums[CMOPT_MATRIX_ROWS * CMOPT_MATRIX_LANES];
    cmopt_mve_rows rows = {{x[0], x[1], x[2]}, m->columns, -m->columns & 15, sums,
                           (m->columns - 16) >> 5};
    const bool whole = rows.fill == 0 && m->columns > 0;
    for (int32_t first = 0; first < m->channels; first += CMOPT_MATRIX_LANES) {
        const int32_t lanes = m->channels - first;
        int32_t left = lanes < CMOPT_MATRIX_LANES ? lanes : CMOPT_MATRIX_LANES;
        for (rows.sums = sums; left >= 4; left -= 4, rows.sums++) {
            if (whole) {
                CMOPT_MVE_DOT_3X2(&rows, w, CMOPT_PLACE_0, CMOPT_MVE_WHOLE_COLUMNS);
                CMOPT_MVE_DOT_3X2(&rows, w, CMOPT_PLACE_2, CMOPT_MVE_WHOLE_COLUMNS);
            } else {
                CMOPT_MVE_DOT_3X2(&rows, w, CMOPT_PLACE_0, CMOPT_MVE_ANY_COLUMNS);
                CMOPT_MVE_DOT_3X2(&rows, w, CMOPT_PLACE_2, CMOPT_MVE_ANY_COLUMNS);
            }
        }
        if (left > 0) {
            for (int32_t r = 0; r < CMOPT_MATRIX_ROWS; r++) {
                cmopt_mve_matrix_dot(x[r], w, m->columns, left, 0,
                                     rows.sums + r * CMOPT_MATRIX_LANES);
            }
        }
        cmopt_mve_matrix_store(m, sums, CMOPT_MATRIX_ROWS, first, out);
    }
}

/* Results of one row. Its sums begin with `more` than the block's. */
static void cmopt_matrix_row(const cmopt_matrix *m,
                             const int8_t *x,
                             int32_t more,
                             int8_t *out)
{
    const int8_t *w = m->weights;
    for (int32_t first = 0; first < m->channels; first += CMOPT_MATRIX_LANES) {
        int32_t sums[CMOPT_MATRIX_LANES];
        const int32_t lanes = m->channels - first;
        int32_t left = lanes < CMOPT_MATRIX_LANES ? lanes : CMOPT_MATRIX_LANES;
        for (int32_t *to = sums; left > 0; left -= 4, to++, w += 4 * m->columns) {
            cmopt_mve_matrix_dot(x, w, m->columns, left, more, to);
        }
        cmopt_mve_matrix_store(m, sums, 1, first, &out);
    }
}

#endif /* CMOPT_CMSIS_NN_MVE_MATRIX_H */
