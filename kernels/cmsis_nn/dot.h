/*
 * Products of int8 rows in portable C. Sums are modulo 2^32.
 */
#ifndef CMOPT_CMSIS_NN_DOT_H
#define CMOPT_CMSIS_NN_DOT_H

#include <stdbool.h>
#include <stdint.h>

#include "isa.h"
#include "sums.h"

/* The sum of int8 values. */
CMOPT_INLINE int32_t cmopt_sum(const int8_t *values, int32_t count)
{
    int32_t sum = 0;
    for (; count > 0; count--) {
        sum += *values++;
    }
    return sum;
}

/* Adds one column. */
CMOPT_INLINE void cmopt_dot_column(const int8_t *x0,
                                   const int8_t *x1,
                                   const int8_t *w0,
                                   const int8_t *w1,
                                   cmopt_sums_2x2 *sums)
{
    sums->s00 = cmopt_add_product(sums->s00, *x0, *w0);
    sums->s01 = cmopt_add_product(sums->s01, *x0, *w1);
    sums->s10 = cmopt_add_product(sums->s10, *x1, *w0);
    sums->s11 = cmopt_add_product(sums->s11, *x1, *w1);
}

/* Adds the products of two rows with two channels' weights. */
CMOPT_INLINE void cmopt_dot_2x2(const int8_t *x0,
                                const int8_t *x1,
                                const int8_t *w0,
                                const int8_t *w1,
                                int32_t count,
                                cmopt_sums_2x2 *to)
{
    cmopt_sums_2x2 sums = *to;
    for (; count >= 4; count -= 4, x0 += 4, x1 += 4, w0 += 4, w1 += 4) {
        cmopt_dot_column(x0, x1, w0, w1, &sums);
        cmopt_dot_column(x0 + 1, x1 + 1, w0 + 1, w1 + 1, &sums);
        cmopt_dot_column(x0 + 2, x1 + 2, w0 + 2, w1 + 2, &sums);
        cmopt_dot_column(x0 + 3, x1 + 3, w0 + 3, w1 + 3, &sums);
    }
    for (; count > 0; count--) {
        cmopt_dot_column(x0++, x1++, w0++, w1++, &sums);
    }
    *to = sums;
}

/* The sum of the products of one row, each value `x_offset` more, with one channel's weights. */
CMOPT_INLINE int32_t
cmopt_dot_1x1(const int8_t *x, int32_t x_offset, const int8_t *w, int32_t count)
{
    int32_t sum = 0;
    for (; count > 0; count--) {
        sum = cmopt_add_product(sum, *x++ + x_offset, *w++);
    }
    return sum;
}

/* Adds one column of one row times four channels, whose weights are `count` bytes apart. */
CMOPT_INLINE void cmopt_dot_1x4_column(int32_t value,
                                       const int8_t *const w[4],
                                       int32_t i,
                                       int32_t sums[4])
{
    sums[0] = cmopt_add_product(sums[0], value, w[0][i]);
    sums[1] = cmopt_add_product(sums[1], value, w[1][i]);
    sums[2] = cmopt_add_product(sums[2], value, w[2][i]);
    sums[3] = cmopt_add_product(sums[3], value, w[3][i]);
}

/* The products of one row, each value `x_offset` more, with four channels' rows of weights. */
CMOPT_INLINE void cmopt_dot_1x4(const int8_t *x,
                                int32_t x_offset,
                                const int8_t *weights,
                                int32_t count,
                                int32_t to[4])
{
    const int8_t *w[4] = {weights, weights + count, weights + 2 * count, weights + 3 * count};
    int32_t sums[4] = {0, 0, 0, 0};
    int32_t left = count;
    for (; left >= 4; left -= 4, x += 4) {
        cmopt_dot_1x4_column(x[0] + x_offset, w, 0, sums);
        cmopt_dot_1x4_column(x[1] + x_offset, w, 1, sums);
        cmopt_dot_1x4_column(x[2] + x_offset, w, 2, sums);
        cmopt_dot_1x4_column(x[3] + x_offset, w, 3, sums);
        w[0] += 4;
        w[1] += 4;
        w[2] += 4;
        w[3] += 4;
    }
    for (int32_t i = 0; i < left; i++) {
        cmopt_dot_1x4_column(*x++ + x_offset, w, i, sums);
    }
    to[0] = sums[0];
    to[1] = sums[1];
    to[2] = sums[2];
    to[3] = sums[3];
}

/* Rows are not widened in portable C. */
enum { CMOPT_WIDENS = 0 };

CMOPT_INLINE void cmopt_dot_2x2_wide(const int8_t *x,
                                     const int8_t *w0,
                                     const int8_t *w1,
                                     int32_t count,
                                     bool whole,
                                     cmopt_sums_2x2 *sums)
{
    (void)whole;
    cmopt_dot_2x2(x, x, w0, w1, count, sums);
}

#endif /* CMOPT_CMSIS_NN_DOT_H */
