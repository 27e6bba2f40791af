/*
 * Arithmetic of the int16 kernels.
 */
#ifndef CMOPT_CMSIS_NN_WIDE_H
#define CMOPT_CMSIS_NN_WIDE_H

#include <stdint.h>

#include "fixed_point.h"

/* The upper 16 bits of a multiplier, rounded. */
static inline int32_t cmopt_reduced(int32_t multiplier)
{
    return multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
}

/* sum * reduced * 2^(shift - 15), rounded half up. Of what is left before the last bit is rounded
 * off, the lower 32 bits count. shift <= 14. */
static inline int32_t cmopt_requantize_s64(int64_t sum, int32_t reduced, int32_t shift)
{
    const int64_t product = (int64_t)((uint64_t)sum * (uint64_t)(int64_t)reduced);
    const int32_t bits = 14 - shift;
    const int32_t rest = (int32_t)(bits > 63 ? (product < 0 ? -1 : 0) : product >> bits);
    return cmopt_wrapping_add(rest, 1) >> 1;
}

/* start + sum over i of a[i] * b[i], modulo 2^32. */
static inline int32_t cmopt_dot_s16_s8(int32_t start, const int16_t *a, const int8_t *b,
                                       int32_t count)
{
    uint32_t sum = (uint32_t)start;
    for (int32_t i = 0; i < count; i++) {
        sum += (uint32_t)((int32_t)a[i] * b[i]);
    }
    return (int32_t)sum;
}

/* The same in 64 bits. Up to 512 products are added in 32 bits, where they fit. */
static inline int64_t cmopt_long_dot_s16_s8(int64_t start, const int16_t *a, const int8_t *b,
                                            int32_t count)
{
    for (int32_t i = 0; i < count; i += 256) {
        const int32_t part = count - i < 256 ? count - i : 256;
        start += cmopt_dot_s16_s8(0, a + i, b + i, part);
    }
    return start;
}

/* start + sum over i of a[i] * b[i], in 64 bits. */
static inline int64_t cmopt_dot_s16(int64_t start, const int16_t *a, const int16_t *b,
                                    int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        start += (int32_t)a[i] * b[i];
    }
    return start;
}

#endif /* CMOPT_CMSIS_NN_WIDE_H */
