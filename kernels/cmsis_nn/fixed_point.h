/*
 * Fixed-point arithmetic of the int8 kernels: gemmlowp's double-rounding scheme.
 *
 * A real factor m is stored as (multiplier, shift) with m = multiplier * 2^(shift - 31).
 * No function has undefined behaviour for any argument: overflow wraps, as in the 32-bit registers
 * of the target. Right shifts of negative values are arithmetic. C99 leaves this to the
 * implementation; every compiler for the supported targets does it.
 */
#ifndef CMOPT_CMSIS_NN_FIXED_POINT_H
#define CMOPT_CMSIS_NN_FIXED_POINT_H

#include <stdint.h>

static inline int32_t cmopt_wrapping_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static inline int32_t cmopt_wrapping_mul(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a * (uint32_t)b);
}

static inline int32_t cmopt_wrapping_shift_left(int32_t value, int32_t bits)
{
    return bits > 31 ? 0 : (int32_t)((uint32_t)value << bits);
}

/* round(a * b / 2^31), halves upward. INT32_MIN squared wraps. */
static inline int32_t cmopt_doubling_high_mul(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* round(a * b / 2^31), halves away from zero. INT32_MIN squared saturates. */
static inline int32_t cmopt_saturating_doubling_high_mul(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    const int64_t product = (int64_t)a * b;
    const int64_t half = (int64_t)1 << 30;
    /* C's division truncates, so a negative product is rounded with 1 - half. */
    return (int32_t)((product + (product >= 0 ? half : 1 - half)) / ((int64_t)1 << 31));
}

/* round(value / 2^exponent), halves away from zero, for exponent >= 0. From 32 on the result is
 * 0, since |value| / 2^exponent is then at most one half (INT32_MIN / 2^32 included). */
static inline int32_t cmopt_rounding_divide_by_pot(int32_t value, int32_t exponent)
{
    if (exponent > 31) {
        return 0;
    }
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
    const int32_t remainder = value & mask;
    const int32_t half = (mask >> 1) + (value < 0 ? 1 : 0);
    return (value >> exponent) + (remainder > half ? 1 : 0);
}

/* value * multiplier * 2^(shift - 31), rounded once by the multiplication and once by the right
 * shift. shift is in [-31, 31]. */
static inline int32_t cmopt_requantize(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    const int32_t product =
        cmopt_doubling_high_mul(cmopt_wrapping_shift_left(value, left), multiplier);
    return cmopt_rounding_divide_by_pot(product, right);
}

static inline int32_t cmopt_clamp(int32_t value, int32_t low, int32_t high)
{
    if (value < low) {
        value = low;
    }
    return value > high ? high : value;
}

/* From an accumulator to an int8 result: requantize, add the output offset, clamp. */
static inline int8_t cmopt_finish_s8(int32_t accumulator,
                                     int32_t multiplier,
                                     int32_t shift,
                                     int32_t offset,
                                     int32_t low,
                                     int32_t high)
{
    const int32_t scaled = cmopt_requantize(accumulator, multiplier, shift);
    return (int8_t)cmopt_clamp(cmopt_wrapping_add(scaled, offset), low, high);
}

/* start + sum over i of (a[i] + a_offset) * (b[i] + b_offset), modulo 2^32. */
static inline int32_t cmopt_dot_s8(int32_t start,
                                   const int8_t *a,
                                   int32_t a_offset,
                                   const int8_t *b,
                                   int32_t b_offset,
                                   int32_t count)
{
    uint32_t sum = (uint32_t)start;
    for (int32_t i = 0; i < count; i++) {
        sum += (uint32_t)((a[i] + a_offset) * (b[i] + b_offset));
    }
    return (int32_t)sum;
}

#endif /* CMOPT_CMSIS_NN_FIXED_POINT_H */
