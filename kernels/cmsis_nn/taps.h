/*
 * Taps of a depthwise convolution in portable C: weights are read where they are.
 */
#ifndef CMOPT_CMSIS_NN_TAPS_H
#define CMOPT_CMSIS_NN_TAPS_H

#include <stdint.h>

#include "isa.h"

enum { CMOPT_MOST_TAPS = INT32_MAX };

typedef int8_t cmopt_weight;

/* Weights of four channels. Those of the next tap are `next` further on. */
typedef struct {
    const cmopt_weight *weights;
    int32_t next;
    int32_t offset;
    int32_t start[4]; /* of the four channels' sums */
} cmopt_taps;

static inline void cmopt_taps_begin(cmopt_taps *taps,
                                    const int8_t *weights,
                                    int32_t channels,
                                    int32_t count,
                                    int32_t offset)
{
    (void)count;
    taps->weights = weights;
    taps->next = channels;
    taps->offset = offset;
}

/* Adds the products of one tap. Sums are modulo 2^32. */
CMOPT_INLINE void cmopt_tap(const cmopt_taps *taps,
                            const int8_t *x,
                            const cmopt_weight *w,
                            int32_t sums[4])
{
    for (int32_t i = 0; i < 4; i++) {
        sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)((x[i] + taps->offset) * w[i]));
    }
}

/* The same of `rows` rows of `columns` taps, `step` bytes apart. */
CMOPT_INLINE void cmopt_taps_rows(const cmopt_taps *taps,
                                  const int8_t *from,
                                  const cmopt_weight *weights,
                                  int32_t rows,
                                  int32_t columns,
                                  int32_t step,
                                  int32_t pitch,
                                  int32_t next_row,
                                  int32_t sums[4])
{
    for (; rows > 0; rows--, from += pitch, weights += next_row) {
        const int8_t *x = from;
        const cmopt_weight *w = weights;
        for (int32_t left = columns; left > 0; left--, x += step, w += taps->next) {
            cmopt_tap(taps, x, w, sums);
        }
    }
}

/* The sums of three rows of three taps. */
CMOPT_INLINE void cmopt_taps_3x3(const cmopt_taps *taps,
                                 const int8_t *x,
                                 int32_t step,
                                 int32_t pitch,
                                 int32_t sums[4])
{
    const cmopt_weight *w = taps->weights;
    for (int32_t i = 0; i < 4; i++) {
        sums[i] = taps->start[i];
    }
    for (int32_t row = 0; row < 3; row++, x += pitch, w += 3 * taps->next) {
        cmopt_tap(taps, x, w, sums);
        cmopt_tap(taps, x + step, w + taps->next, sums);
        cmopt_tap(taps, x + 2 * step, w + 2 * taps->next, sums);
    }
}

/* A row of taps where all four channels read one. */
CMOPT_INLINE void cmopt_taps_row_of_one(const cmopt_taps *taps,
                                        const int8_t *x,
                                        const cmopt_weight *w,
                                        int32_t columns,
                                        int32_t step,
                                        int32_t sums[4])
{
    for (; columns > 0; columns--, x += step, w += taps->next) {
        const int32_t value = *x + taps->offset;
        for (int32_t i = 0; i < 4; i++) {
            sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)(value * w[i]));
        }
    }
}

#endif /* CMOPT_CMSIS_NN_TAPS_H */
