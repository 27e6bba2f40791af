/*
 * Products of int8 rows with a weight matrix, on vectors.
 *
 * A product sums sixteen bytes at a time. A tail-predicated loop reads no byte past a row. Three
 * rows by two channels, or one row by four channels, use all registers that a product can sum to:
 * these are the even ones.
 */
#ifndef CMOPT_CMSIS_NN_MVE_MATRIX_H
#define CMOPT_CMSIS_NN_MVE_MATRIX_H

#include <stddef.h>
#include <string.h>

#include "../fixed_point.h"
#include "requantize.h"

enum {
    CMOPT_MATRIX_LANES = 16,
    CMOPT_MATRIX_ROWS = 3,
    CMOPT_MATRIX_CHANNELS = 64 /* the most of one block: its sums are on the stack */
};

/* A block of channels. */
typedef struct {
    const int8_t *weights; /* [channels][columns] */
    int32_t columns;
    int32_t channels;
    const int32_t *start; /* of each channel's sum */
    const int32_t *multipliers;
    const int32_t *shifts;
    bool per_channel; /* or sixteen multipliers and shifts for all channels */
    const int32_t *last_multipliers; /* of the last, incomplete sixteen channels, filled up */
    const int32_t *last_shifts;
    const cmopt_mve_output *output;
    bool clamped;
} cmopt_mve_matrix;

/* Copies bytes. */
CMOPT_INLINE void cmopt_mve_copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    __asm__ volatile("wlstp.8 lr, %[bytes], 1f\n"
                     "2:\n"
                     "vldrb.8 q0, [%[from]], #16\n"
                     "vstrb.8 q0, [%[to]], #16\n"
                     "letp lr, 2b\n"
                     "1:\n"
                     : [to] "+r"(to), [from] "+r"(from)
                     : [bytes] "r"(bytes)
                     : "q0", "lr", "memory");
}

/* The sum of int8 values. */
CMOPT_INLINE int32_t cmopt_mve_sum(const int8_t *values, int32_t count)
{
    int32_t sum = 0;
    __asm__ volatile("wlstp.8 lr, %[count], 1f\n"
                     "2:\n"
                     "vldrb.8 q0, [%[values]], #16\n"
                     "vaddva.s8 %[sum], q0\n"
                     "letp lr, 2b\n"
                     "1:\n"
                     : [values] "+r"(values), [sum] "+Te"(sum)
                     : [count] "r"(count)
                     : "q0", "lr", "memory");
    return sum;
}

/* Adds the products of three rows with two channels' weights to sums[row][channel]. */
CMOPT_INLINE void cmopt_mve_dot_3x2(const int8_t *x0,
                                    const int8_t *x1,
                                    const int8_t *x2,
                                    const int8_t *w0,
                                    const int8_t *w1,
                                    int32_t count,
                                    int32_t sums[3][2])
{
    /* The count is in lr, so that eleven operands are left for twelve registers. */
    register int32_t left __asm__("lr") = count;
    __asm__ volatile("wlstp.8 lr, %[left], 1f\n"
                     "2:\n"
                     "vldrb.8 q0, [%[w0]], #16\n"
                     "vldrb.8 q2, [%[x0]], #16\n"
                     "vmladava.s8 %[s00], q0, q2\n"
                     "vldrb.8 q1, [%[w1]], #16\n"
                     "vmladava.s8 %[s01], q1, q2\n"
                     "vldrb.8 q3, [%[x1]], #16\n"
                     "vmladava.s8 %[s10], q0, q3\n"
                     "vldrb.8 q2, [%[x2]], #16\n"
                     "vmladava.s8 %[s11], q1, q3\n"
                     "vmladava.s8 %[s20], q0, q2\n"
                     "vmladava.s8 %[s21], q1, q2\n"
                     "letp lr, 2b\n"
                     "1:\n"
                     : [x0] "+r"(x0), [x1] "+r"(x1), [x2] "+r"(x2), [w0] "+r"(w0), [w1] "+r"(w1),
                       [s00] "+Te"(sums[0][0]), [s01] "+Te"(sums[0][1]), [s10] "+Te"(sums[1][0]),
                       [s11] "+Te"(sums[1][1]), [s20] "+Te"(sums[2][0]), [s21] "+Te"(sums[2][1]),
                       [left] "+r"(left)
                     :
                     : "q0", "q1", "q2", "q3", "memory");
}

/* Adds the products of one row with four channels' weights. */
CMOPT_INLINE void cmopt_mve_dot_1x4(const int8_t *x,
                                    const int8_t *w0,
                                    const int8_t *w1,
                                    const int8_t *w2,
                                    const int8_t *w3,
                                    int32_t count,
                                    int32_t sums[4])
{
    __asm__ volatile("wlstp.8 lr, %[count], 1f\n"
                     "2:\n"
                     "vldrb.8 q0, [%[x]], #16\n"
                     "vldrb.8 q1, [%[w0]], #16\n"
                     "vmladava.s8 %[s0], q0, q1\n"
                     "vldrb.8 q2, [%[w1]], #16\n"
                     "vmladava.s8 %[s1], q0, q2\n"
                     "vldrb.8 q1, [%[w2]], #16\n"
                     "vmladava.s8 %[s2], q0, q1\n"
                     "vldrb.8 q2, [%[w3]], #16\n"
                     "vmladava.s8 %[s3], q0, q2\n"
                     "letp lr, 2b\n"
                     "1:\n"
                     : [x] "+r"(x), [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3),
                       [s0] "+Te"(sums[0]), [s1] "+Te"(sums[1]), [s2] "+Te"(sums[2]),
                       [s3] "+Te"(sums[3])
                     : [count] "r"(count)
                     : "q0", "q1", "q2", "lr", "memory");
}

/* Writes results of sixteen channels, or of fewer, from sums in the order of cmopt_mve_sums.
 * Multipliers and shifts are in the order of channels. */
CMOPT_INLINE void cmopt_mve_matrix_store(const cmopt_mve_matrix *m,
                                         const int32_t *from,
                                         const int32_t *multipliers,
                                         const int32_t *shifts,
                                         int32_t lanes,
                                         int8_t *out)
{
    cmopt_mve_sums sums = {vldrwq_s32(from), vldrwq_s32(from + 4), vldrwq_s32(from + 8),
                           vldrwq_s32(from + 12)};
    const int32x4x4_t by = vld4q_s32(multipliers);
    int8x16_t results;
    if (m->output->kind == CMOPT_MVE_GENERAL) {
        const int32x4x4_t shift = vld4q_s32(shifts);
        sums.a = cmopt_mve_clamp(cmopt_mve_scale(sums.a, by.val[0], shift.val[0]), m->output);
        sums.c = cmopt_mve_clamp(cmopt_mve_scale(sums.c, by.val[1], shift.val[1]), m->output);
        sums.b = cmopt_mve_clamp(cmopt_mve_scale(sums.b, by.val[2], shift.val[2]), m->output);
        sums.d = cmopt_mve_clamp(cmopt_mve_scale(sums.d, by.val[3], shift.val[3]), m->output);
        results = cmopt_mve_pack(sums);
    } else {
        sums.a = vqrdmulhq_s32(sums.a, by.val[0]);
        sums.c = vqrdmulhq_s32(sums.c, by.val[1]);
        sums.b = vqrdmulhq_s32(sums.b, by.val[2]);
        sums.d = vqrdmulhq_s32(sums.d, by.val[3]);
        if (m->output->kind == CMOPT_MVE_AWAY) {
            sums.a = cmopt_mve_away(sums.a);
            sums.b = cmopt_mve_away(sums.b);
            sums.c = cmopt_mve_away(sums.c);
            sums.d = cmopt_mve_away(sums.d);
        }
        const int32x4x4_t shift = vld4q_s32(shifts);
        sums.a = vrshlq_s32(sums.a, shift.val[0]);
        sums.c = vrshlq_s32(sums.c, shift.val[1]);
        sums.b = vrshlq_s32(sums.b, shift.val[2]);
        sums.d = vrshlq_s32(sums.d, shift.val[3]);
        results = m->clamped ? cmopt_mve_narrow(sums, m->output, true)
                             : cmopt_mve_narrow(sums, m->output, false);
    }
    if (lanes >= CMOPT_MATRIX_LANES) {
        vstrbq_s8(out, results);
    } else {
        vstrbq_p_s8(out, results, vctp8q((uint32_t)lanes));
    }
}

/* The place of each of four adjacent channels in the order of cmopt_mve_sums. */
enum { CMOPT_PLACE_0 = 0, CMOPT_PLACE_1 = 8, CMOPT_PLACE_2 = 4, CMOPT_PLACE_3 = 12 };

/* Results of three rows in all channels of the block. out[r] is at the block's first channel. */
static __attribute__((noinline)) void cmopt_mve_matrix_3_rows(const cmopt_mve_matrix *m,
                                    const int8_t *x0,
                                    const int8_t *x1,
                                    const int8_t *x2,
                                    int8_t *out0,
                                    int8_t *out1,
                                    int8_t *out2)
{
    const int32_t n = m->columns;
    const int8_t *w = m->weights;
    const int32_t *multipliers = m->multipliers;
    const int32_t *shifts = m->shifts;
    for (int32_t first = 0; first < m->channels; first += CMOPT_MATRIX_LANES) {
        int32_t sums[3][CMOPT_MATRIX_LANES];
        const int32_t lanes = m->channels - first;
        const int32_t used = lanes < CMOPT_MATRIX_LANES ? lanes : CMOPT_MATRIX_LANES;
        const int32_t *start = m->start + first;
        int32_t *to = sums[0];
        for (int32_t c = 0; c < used; c += 2, w += 2 * n, start += 2) {
            const bool two = c + 1 < used;
            const int32_t second = two ? start[1] : 0;
            int32_t dots[3][2] = {{start[0], second}, {start[0], second}, {start[0], second}};
            cmopt_mve_dot_3x2(x0, x1, x2, w, two ? w + n : w, n, dots);
            to[CMOPT_PLACE_0] = dots[0][0];
            to[CMOPT_PLACE_1] = dots[0][1];
            to[CMOPT_PLACE_0 + 16] = dots[1][0];
            to[CMOPT_PLACE_1 + 16] = dots[1][1];
            to[CMOPT_PLACE_0 + 32] = dots[2][0];
            to[CMOPT_PLACE_1 + 32] = dots[2][1];
            to += (c & 2) ? 1 - CMOPT_PLACE_2 : CMOPT_PLACE_2;
        }
        if (lanes < CMOPT_MATRIX_LANES && m->per_channel) {
            multipliers = m->last_multipliers;
            shifts = m->last_shifts;
        }
        cmopt_mve_matrix_store(m, sums[0], multipliers, shifts, lanes, out0 + first);
        cmopt_mve_matrix_store(m, sums[1], multipliers, shifts, lanes, out1 + first);
        cmopt_mve_matrix_store(m, sums[2], multipliers, shifts, lanes, out2 + first);
        if (m->per_channel) {
            multipliers += CMOPT_MATRIX_LANES;
            shifts += CMOPT_MATRIX_LANES;
        }
    }
}

/* Results of one row. Its sums begin with `more` than the block's. */
static __attribute__((noinline)) void cmopt_mve_matrix_1_row(const cmopt_mve_matrix *m,
                                   const int8_t *x,
                                   int32_t more,
                                   int8_t *out)
{
    const int32_t n = m->columns;
    const int8_t *w = m->weights;
    const int32_t *multipliers = m->multipliers;
    const int32_t *shifts = m->shifts;
    for (int32_t first = 0; first < m->channels; first += CMOPT_MATRIX_LANES) {
        int32_t sums[CMOPT_MATRIX_LANES];
        const int32_t lanes = m->channels - first;
        const int32_t used = lanes < CMOPT_MATRIX_LANES ? lanes : CMOPT_MATRIX_LANES;
        const int32_t *start = m->start + first;
        int32_t *to = sums;
        for (int32_t c = 0; c < used; c += 4, w += 4 * n, start += 4, to++) {
            const int32_t left = used - c;
            int32_t dots[4] = {cmopt_wrapping_add(start[0], more), more, more, more};
            const int8_t *w1 = w;
            const int8_t *w2 = w;
            const int8_t *w3 = w;
            if (left > 1) {
                w1 = w + n;
                dots[1] = cmopt_wrapping_add(start[1], more);
            }
            if (left > 2) {
                w2 = w1 + n;
                dots[2] = cmopt_wrapping_add(start[2], more);
            }
            if (left > 3) {
                w3 = w2 + n;
                dots[3] = cmopt_wrapping_add(start[3], more);
            }
            cmopt_mve_dot_1x4(x, w, w1, w2, w3, n, dots);
            to[CMOPT_PLACE_0] = dots[0];
            to[CMOPT_PLACE_1] = dots[1];
            to[CMOPT_PLACE_2] = dots[2];
            to[CMOPT_PLACE_3] = dots[3];
        }
        if (lanes < CMOPT_MATRIX_LANES && m->per_channel) {
            multipliers = m->last_multipliers;
            shifts = m->last_shifts;
        }
        cmopt_mve_matrix_store(m, sums, multipliers, shifts, lanes, out + first);
        if (m->per_channel) {
            multipliers += CMOPT_MATRIX_LANES;
            shifts += CMOPT_MATRIX_LANES;
        }
    }
}

#endif /* CMOPT_CMSIS_NN_MVE_MATRIX_H */
