/*
 * Products of int8 rows with the DSP extension: two 16-bit products at a time.
 *
 * Four bytes become two pairs of 16-bit values: bytes 0 and 2, and bytes 1 and 3. Rows that many
 * channels read are widened so before.
 */
#ifndef CMOPT_CMSIS_NN_DSP_DOT_H
#define CMOPT_CMSIS_NN_DSP_DOT_H

#include <stdint.h>
#include <string.h>

#include "../isa.h"

/* Sums of row r and channel c. */
typedef struct {
    int32_t s00;
    int32_t s01;
    int32_t s10;
    int32_t s11;
} cmopt_sums_2x2;

/* Four bytes at any address. */
CMOPT_INLINE uint32_t cmopt_load(const int8_t *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* Bytes 0 and 2 of a word, sign-extended to 16 bits. */
CMOPT_INLINE uint32_t cmopt_even(uint32_t bytes)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(bytes));
    return pair;
}

/* Bytes 1 and 3. */
CMOPT_INLINE uint32_t cmopt_odd(uint32_t bytes)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

/* The same, added to a pair of 16-bit values. */
CMOPT_INLINE uint32_t cmopt_even_from(uint32_t bytes, uint32_t from)
{
    uint32_t pair;
    __asm__("sxtab16 %0, %1, %2" : "=r"(pair) : "r"(from), "r"(bytes));
    return pair;
}

CMOPT_INLINE uint32_t cmopt_odd_from(uint32_t bytes, uint32_t from)
{
    uint32_t pair;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(pair) : "r"(from), "r"(bytes));
    return pair;
}

/* sum + a.low * b.low + a.high * b.high, modulo 2^32. */
CMOPT_INLINE int32_t cmopt_smlad(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

CMOPT_INLINE int32_t cmopt_add_product(int32_t sum, int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)sum + (uint32_t)(a * b));
}

/* The sum of int8 values. */
CMOPT_INLINE int32_t cmopt_sum(const int8_t *values, int32_t count)
{
    int32_t sum = 0;
    for (; count >= 4; count -= 4, values += 4) {
        const uint32_t bytes = cmopt_load(values);
        sum = cmopt_smlad(cmopt_even(bytes), 0x00010001u, sum);
        sum = cmopt_smlad(cmopt_odd(bytes), 0x00010001u, sum);
    }
    for (; count > 0; count--) {
        sum += *values++;
    }
    return sum;
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
    const int8_t *const end = x0 + (count & ~3);
    while (x0 != end) {
        const uint32_t a = cmopt_load(x0);
        const uint32_t b = cmopt_load(x1);
        const uint32_t v = cmopt_load(w0);
        const uint32_t w = cmopt_load(w1);
        x0 += 4;
        x1 += 4;
        w0 += 4;
        w1 += 4;
        const uint32_t a_even = cmopt_even(a);
        const uint32_t b_even = cmopt_even(b);
        const uint32_t v_even = cmopt_even(v);
        const uint32_t w_even = cmopt_even(w);
        sums.s00 = cmopt_smlad(a_even, v_even, sums.s00);
        sums.s01 = cmopt_smlad(a_even, w_even, sums.s01);
        sums.s10 = cmopt_smlad(b_even, v_even, sums.s10);
        sums.s11 = cmopt_smlad(b_even, w_even, sums.s11);
        const uint32_t a_odd = cmopt_odd(a);
        const uint32_t b_odd = cmopt_odd(b);
        const uint32_t v_odd = cmopt_odd(v);
        const uint32_t w_odd = cmopt_odd(w);
        sums.s00 = cmopt_smlad(a_odd, v_odd, sums.s00);
        sums.s01 = cmopt_smlad(a_odd, w_odd, sums.s01);
        sums.s10 = cmopt_smlad(b_odd, v_odd, sums.s10);
        sums.s11 = cmopt_smlad(b_odd, w_odd, sums.s11);
    }
    for (count &= 3; count > 0; count--, x0++, x1++, w0++, w1++) {
        sums.s00 = cmopt_add_product(sums.s00, *x0, *w0);
        sums.s01 = cmopt_add_product(sums.s01, *x0, *w1);
        sums.s10 = cmopt_add_product(sums.s10, *x1, *w0);
        sums.s11 = cmopt_add_product(sums.s11, *x1, *w1);
    }
    *to = sums;
}

/* Adds the products of one row, each value `x_offset` more, with four channels' weights. */
CMOPT_INLINE void cmopt_dot_1x4(const int8_t *x,
                                int32_t x_offset,
                                const int8_t *w0,
                                const int8_t *w1,
                                const int8_t *w2,
                                const int8_t *w3,
                                int32_t count,
                                int32_t sums[4])
{
    int32_t s0 = sums[0];
    int32_t s1 = sums[1];
    int32_t s2 = sums[2];
    int32_t s3 = sums[3];
    const uint32_t offsets = ((uint32_t)x_offset & 0xffffu) * 0x00010001u;
    const int8_t *const end = x + (count & ~3);
    while (x != end) {
        const uint32_t a = cmopt_load(x);
        x += 4;
        const uint32_t even = cmopt_even_from(a, offsets);
        const uint32_t odd = cmopt_odd_from(a, offsets);
        uint32_t w = cmopt_load(w0);
        w0 += 4;
        s0 = cmopt_smlad(odd, cmopt_odd(w), cmopt_smlad(even, cmopt_even(w), s0));
        w = cmopt_load(w1);
        w1 += 4;
        s1 = cmopt_smlad(odd, cmopt_odd(w), cmopt_smlad(even, cmopt_even(w), s1));
        w = cmopt_load(w2);
        w2 += 4;
        s2 = cmopt_smlad(odd, cmopt_odd(w), cmopt_smlad(even, cmopt_even(w), s2));
        w = cmopt_load(w3);
        w3 += 4;
        s3 = cmopt_smlad(odd, cmopt_odd(w), cmopt_smlad(even, cmopt_even(w), s3));
    }
    for (count &= 3; count > 0; count--) {
        const int32_t value = *x++ + x_offset;
        s0 = cmopt_add_product(s0, value, *w0++);
        s1 = cmopt_add_product(s1, value, *w1++);
        s2 = cmopt_add_product(s2, value, *w2++);
        s3 = cmopt_add_product(s3, value, *w3++);
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

enum { CMOPT_WIDENS = 1 };

/* Two pairs at an address that is a multiple of four. */
typedef struct {
    uint32_t even;
    uint32_t odd;
} cmopt_pairs;

/* Widens a row of `count` bytes in place. Its bytes are at row + count rounded up to four; as many
 * follow. The last one to three values of a row stay where they are. */
CMOPT_INLINE void cmopt_widen(int8_t *row, int32_t count)
{
    const int8_t *from = row + ((count + 3) & ~3);
    cmopt_pairs *to = (cmopt_pairs *)(void *)row;
    for (int32_t words = count >> 2; words > 0; words--, from += 4, to++) {
        const uint32_t bytes = cmopt_load(from);
        to->even = cmopt_even(bytes);
        to->odd = cmopt_odd(bytes);
    }
}

/* The same of rows that cmopt_widen has widened. */
CMOPT_INLINE void cmopt_dot_2x2_wide(const int8_t *row0,
                                     const int8_t *row1,
                                     const int8_t *w0,
                                     const int8_t *w1,
                                     int32_t count,
                                     cmopt_sums_2x2 *to)
{
    cmopt_sums_2x2 sums = *to;
    const cmopt_pairs *x0 = (const cmopt_pairs *)(const void *)row0;
    const cmopt_pairs *x1 = (const cmopt_pairs *)(const void *)row1;
    const cmopt_pairs *const end = x0 + (count >> 2);
    while (x0 != end) {
        const cmopt_pairs a = *x0++;
        const uint32_t v = cmopt_load(w0);
        const uint32_t w = cmopt_load(w1);
        w0 += 4;
        w1 += 4;
        const uint32_t v_even = cmopt_even(v);
        const uint32_t v_odd = cmopt_odd(v);
        const uint32_t w_even = cmopt_even(w);
        const uint32_t w_odd = cmopt_odd(w);
        sums.s00 = cmopt_smlad(a.even, v_even, sums.s00);
        sums.s00 = cmopt_smlad(a.odd, v_odd, sums.s00);
        sums.s01 = cmopt_smlad(a.even, w_even, sums.s01);
        sums.s01 = cmopt_smlad(a.odd, w_odd, sums.s01);
        const cmopt_pairs b = *x1++;
        sums.s10 = cmopt_smlad(b.even, v_even, sums.s10);
        sums.s10 = cmopt_smlad(b.odd, v_odd, sums.s10);
        sums.s11 = cmopt_smlad(b.even, w_even, sums.s11);
        sums.s11 = cmopt_smlad(b.odd, w_odd, sums.s11);
    }
    /* These were not widened. */
    const int32_t padded = (count + 3) & ~3;
    const int8_t *t0 = row0 + padded + (count & ~3);
    const int8_t *t1 = row1 + padded + (count & ~3);
    for (count &= 3; count > 0; count--, t0++, t1++, w0++, w1++) {
        sums.s00 = cmopt_add_product(sums.s00, *t0, *w0);
        sums.s01 = cmopt_add_product(sums.s01, *t0, *w1);
        sums.s10 = cmopt_add_product(sums.s10, *t1, *w0);
        sums.s11 = cmopt_add_product(sums.s11, *t1, *w1);
    }
    *to = sums;
}

#endif /* CMOPT_CMSIS_NN_DSP_DOT_H */
