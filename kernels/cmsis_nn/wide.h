/*
 * Arithmetic of the int16 kernels.
 */
#ifndef CMOPT_CMSIS_NN_WIDE_H
#define CMOPT_CMSIS_NN_WIDE_H

#include <stdint.h>
#include <string.h>

#include "fixed_point.h"
#include "isa.h"

#if defined(CMOPT_MVE)
#include <arm_mve.h>
#elif defined(CMOPT_DSP)
#include <arm_acle.h>
#endif

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

#if defined(CMOPT_DSP)
/* Four bytes at any address. */
CMOPT_INLINE uint32_t cmopt_word(const void *place)
{
    uint32_t word;
    memcpy(&word, place, sizeof word);
    return word;
}

/* sum + the products of four values with four bytes. even: values 0 and 2; odd: 1 and 3. */
CMOPT_INLINE int32_t cmopt_four_products(int32_t sum, int16x2_t even, int16x2_t odd, uint32_t bytes)
{
    sum = __smlad(even, __sxtb16((int8x4_t)bytes), sum);
    return __smlad(odd, __sxtb16((int8x4_t)(bytes >> 8 | bytes << 24)), sum);
}
#endif

/* The dot products of `count` values with four rows of weights, `pitch` apart, each added to its sum,
 * modulo 2^32. */
CMOPT_INLINE void cmopt_four_dots(const int16_t *a, const int8_t *b, int32_t pitch, int32_t count,
                                  int32_t sums[4])
{
    const int8_t *b0 = b;
    const int8_t *b1 = b0 + pitch;
    const int8_t *b2 = b1 + pitch;
    const int8_t *b3 = b2 + pitch;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
#if defined(CMOPT_MVE)
    for (; count > 0; count -= 8, a += 8, b0 += 8, b1 += 8, b2 += 8, b3 += 8) {
        const mve_pred16_t lanes = vctp16q((uint32_t)count);
        const int16x8_t values = vldrhq_z_s16(a, lanes);
        s0 = vmladavaq_p_s16(s0, values, vldrbq_z_s16(b0, lanes), lanes);
        s1 = vmladavaq_p_s16(s1, values, vldrbq_z_s16(b1, lanes), lanes);
        s2 = vmladavaq_p_s16(s2, values, vldrbq_z_s16(b2, lanes), lanes);
        s3 = vmladavaq_p_s16(s3, values, vldrbq_z_s16(b3, lanes), lanes);
    }
#else
#if defined(CMOPT_DSP)
    for (; count >= 4; count -= 4, a += 4, b0 += 4, b1 += 4, b2 += 4, b3 += 4) {
        const uint32_t low = cmopt_word(a);
        const uint32_t high = cmopt_word(a + 2);
        const int16x2_t even = (int16x2_t)((low & 0xFFFFu) | (high << 16));
        const int16x2_t odd = (int16x2_t)((low >> 16) | (high & 0xFFFF0000u));
        s0 = cmopt_four_products(s0, even, odd, cmopt_word(b0));
        s1 = cmopt_four_products(s1, even, odd, cmopt_word(b1));
        s2 = cmopt_four_products(s2, even, odd, cmopt_word(b2));
        s3 = cmopt_four_products(s3, even, odd, cmopt_word(b3));
    }
#endif
    for (int32_t i = 0; i < count; i++) {
        const int32_t value = a[i];
        s0 = cmopt_wrapping_add(s0, value * b0[i]);
        s1 = cmopt_wrapping_add(s1, value * b1[i]);
        s2 = cmopt_wrapping_add(s2, value * b2[i]);
        s3 = cmopt_wrapping_add(s3, value * b3[i]);
    }
#endif
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* start + sum over i of a[i] * b[i], modulo 2^32. */
CMOPT_INLINE int32_t cmopt_dot_s16_s8(int32_t start, const int16_t *a, const int8_t *b,
                                      int32_t count)
{
#if defined(CMOPT_MVE)
    for (; count > 0; count -= 8, a += 8, b += 8) {
        const mve_pred16_t lanes = vctp16q((uint32_t)count);
        start = vmladavaq_p_s16(start, vldrhq_z_s16(a, lanes), vldrbq_z_s16(b, lanes), lanes);
    }
    return start;
#else
    uint32_t sum = (uint32_t)start;
    for (int32_t i = 0; i < count; i++) {
        sum += (uint32_t)((int32_t)a[i] * b[i]);
    }
    return (int32_t)sum;
#endif
}

/* start + sum over i of a[i] * b[i], in 64 bits. */
CMOPT_INLINE int64_t cmopt_dot_s16(int64_t start, const int16_t *a, const int16_t *b, int32_t count)
{
#if defined(CMOPT_MVE)
    for (; count > 0; count -= 8, a += 8, b += 8) {
        const mve_pred16_t lanes = vctp16q((uint32_t)count);
        start = vmlaldavaq_p_s16(start, vldrhq_z_s16(a, lanes), vldrhq_z_s16(b, lanes), lanes);
    }
#else
#if defined(CMOPT_DSP)
    for (; count >= 2; count -= 2, a += 2, b += 2) {
        start = __smlald((int16x2_t)cmopt_word(a), (int16x2_t)cmopt_word(b), start);
    }
#endif
    for (int32_t i = 0; i < count; i++) {
        start += (int32_t)a[i] * b[i];
    }
#endif
    return start;
}

#endif /* CMOPT_CMSIS_NN_WIDE_H */
