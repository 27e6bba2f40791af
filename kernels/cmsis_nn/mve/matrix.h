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

#include "../fixed_point.h"
#include "order.h"
#include "requantize.h"

enum {
    CMOPT_MATRIX_LANES = 16,
    CMOPT_MATRIX_ROWS = 3,
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

/* Copies bytes. */
CMOPT_INLINE void cmopt_copy(int8_t *to, const int8_t *from, int32_t bytes)
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

/* Sets bytes. */
CMOPT_INLINE void cmopt_set(int8_t *to, int8_t value, int32_t bytes)
{
    __asm__ volatile("vdup.8 q0, %[value]\n"
                     "wlstp.8 lr, %[bytes], 1f\n"
                     "2:\n"
                     "vstrb.8 q0, [%[to]], #16\n"
                     "letp lr, 2b\n"
                     "1:\n"
                     : [to] "+r"(to)
                     : [bytes] "r"(bytes), [value] "r"(value)
                     : "q0", "lr", "memory");
}

/* The sum of int8 values. */
CMOPT_INLINE int32_t cmopt_sum(const int8_t *values, int32_t count)
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

/* The place of each of four adjacent channels in the order of cmopt_mve_sums. */
enum { CMOPT_PLACE_0 = 0, CMOPT_PLACE_1 = 8, CMOPT_PLACE_2 = 4, CMOPT_PLACE_3 = 12 };

/* Three rows and where their sums go. The assembly below knows the places of the fields. */
typedef struct {
    const int8_t *x[CMOPT_MATRIX_ROWS];
    int32_t columns;
    int32_t fill;  /* bytes from the end of a row to a multiple of sixteen */
    int32_t *sums; /* sixteen of each row */
    int32_t pairs; /* of sixteen columns, after the first sixteen */
} cmopt_mve_rows;

/* Sixteen columns of three rows times two channels. mla: vmladava, or vmladav for the first. */
#define CMOPT_MVE_3X2(mla)                                                                        \
    "vldrb.8 q0, [%[w0]], #16\n"                                                                  \
    "vldrb.8 q2, [%[x0]], #16\n" mla " %[s00], q0, q2\n"                                          \
    "vldrb.8 q1, [%[w1]], #16\n" mla " %[s01], q1, q2\n"                                          \
    "vldrb.8 q3, [%[x1]], #16\n" mla " %[s10], q0, q3\n"                                          \
    "vldrb.8 q2, [%[x2]], #16\n" mla " %[s11], q1, q3\n" mla " %[s20], q0, q2\n" mla             \
    " %[s21], q1, q2\n"

/* Any number of columns. */
#define CMOPT_MVE_ANY_COLUMNS                                                                     \
    "mov %[s00], #0\n"                                                                            \
    "mov %[s01], #0\n"                                                                            \
    "mov %[s10], #0\n"                                                                            \
    "mov %[s11], #0\n"                                                                            \
    "mov %[s20], #0\n"                                                                            \
    "mov %[s21], #0\n"                                                                            \
    "wlstp.8 lr, lr, 1f\n"                                                                        \
    "2:\n" CMOPT_MVE_3X2("vmladava.s8") "letp lr, 2b\n"                                           \
                                         "1:\n"

/* A multiple of sixteen columns. */
#define CMOPT_MVE_WHOLE_COLUMNS                                                                   \
    "ldr lr, [%[r], #24]\n" CMOPT_MVE_3X2("vmladav.s8") "wls lr, lr, 1f\n"                        \
                                                        "2:\n" CMOPT_MVE_3X2("vmladava.s8")       \
        CMOPT_MVE_3X2("vmladava.s8") "le lr, 2b\n"                                                \
                                     "1:\n"                                                       \
                                     "ldr lr, [%[r], #12]\n"                                      \
                                     "tst lr, #16\n"                                              \
                                     "bne 3f\n" CMOPT_MVE_3X2("vmladava.s8") "3:\n"

/* Writes the products of three rows with two channels' weights to the places `place` and place + 8
 * of each row's sums, and moves `next`, the weights, to the next channel. All registers are in use,
 * so the pointers are loaded here. */
#define CMOPT_MVE_DOT_3X2(rows, next, place, columns)                                             \
    do {                                                                                          \
        const int8_t *x0_, *x1_, *x2_, *w1_;                                                      \
        int32_t s00_, s01_, s10_, s11_, s20_, s21_;                                               \
        __asm__ volatile("ldrd %[x0], %[x1], [%[r]]\n"                                            \
                         "ldrd %[x2], lr, [%[r], #8]\n"                                           \
                         "add %[w1], %[w0], lr\n" columns                                         \
                         "ldrd %[x0], %[x1], [%[r], #16]\n"                                       \
                         "sub %[w0], %[w1], %[x0]\n"                                              \
                         "str %[s00], [%[x1], %[at]]\n"                                           \
                         "str %[s01], [%[x1], %[at] + 32]\n"                                      \
                         "str %[s10], [%[x1], %[at] + 64]\n"                                      \
                         "str %[s11], [%[x1], %[at] + 96]\n"                                      \
                         "str %[s20], [%[x1], %[at] + 128]\n"                                     \
                         "str %[s21], [%[x1], %[at] + 160]\n"                                     \
                         : [w0] "+r"(next), [x0] "=&r"(x0_), [x1] "=&r"(x1_), [x2] "=&r"(x2_),    \
                           [w1] "=&r"(w1_), [s00] "=&Te"(s00_), [s01] "=&Te"(s01_),               \
                           [s10] "=&Te"(s10_), [s11] "=&Te"(s11_), [s20] "=&Te"(s20_),            \
                           [s21] "=&Te"(s21_)                                                     \
                         : [r] "r"(rows), [at] "i"(4 * (place))                                   \
                         : "q0", "q1", "q2", "q3", "lr", "cc", "memory");                         \
    } while (0)

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
