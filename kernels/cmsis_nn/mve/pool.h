/*
 * Pooling with vectors: sixteen channels at a time.
 */
#ifndef CMOPT_CMSIS_NN_MVE_POOL_H
#define CMOPT_CMSIS_NN_MVE_POOL_H

#include <arm_mve.h>

#include "../isa.h"

/* The largest value of each channel of `rows` rows of `columns` pixels, clamped. Rows are `pitch`
 * bytes apart. */
static inline void cmopt_mve_largest(const int8_t *window,
                                     int32_t pitch,
                                     int32_t rows,
                                     int32_t columns,
                                     int32_t channels,
                                     int8_t low,
                                     int8_t high,
                                     int8_t *out)
{
    for (int32_t c = 0; c < channels; c += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(channels - c));
        const int8_t *row = window + c;
        int8x16_t largest = vdupq_n_s8(low);
        for (int32_t y = 0; y < rows; y++, row += pitch) {
            const int8_t *pixel = row;
            for (int32_t x = 0; x < columns; x++, pixel += channels) {
                largest = vmaxq_s8(largest, vldrbq_z_s8(pixel, lanes));
            }
        }
        vstrbq_p_s8(out + c, vminq_s8(largest, vdupq_n_s8(high)), lanes);
    }
}

/* The sums of sixteen channels: the even ones, then the odd ones, in groups of four as vmovl leaves
 * them. */
static inline void cmopt_mve_sums_of(const int8_t *window,
                                     int32_t pitch,
                                     int32_t rows,
                                     int32_t columns,
                                     int32_t channels,
                                     mve_pred16_t lanes,
                                     int32_t sums[16])
{
    int32x4_t a = vdupq_n_s32(0);
    int32x4_t b = a;
    int32x4_t c = a;
    int32x4_t d = a;
    for (int32_t y = 0; y < rows; y++, window += pitch) {
        const int8_t *pixel = window;
        /* 255 values fit 16 bits. */
        for (int32_t left = columns; left > 0; left -= 255) {
            int16x8_t even = vdupq_n_s16(0);
            int16x8_t odd = even;
            for (int32_t x = left < 255 ? left : 255; x > 0; x--, pixel += channels) {
                const int8x16_t values = vldrbq_z_s8(pixel, lanes);
                even = vaddq_s16(even, vmovlbq_s8(values));
                odd = vaddq_s16(odd, vmovltq_s8(values));
            }
            a = vaddq_s32(a, vmovlbq_s16(even));
            b = vaddq_s32(b, vmovltq_s16(even));
            c = vaddq_s32(c, vmovlbq_s16(odd));
            d = vaddq_s32(d, vmovltq_s16(odd));
        }
    }
    vstrwq_s32(sums, a);
    vstrwq_s32(sums + 4, b);
    vstrwq_s32(sums + 8, c);
    vstrwq_s32(sums + 12, d);
}

#endif /* CMOPT_CMSIS_NN_MVE_POOL_H */
