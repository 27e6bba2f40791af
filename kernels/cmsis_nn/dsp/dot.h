/*
 * Products of int8 rows with the DSP extension: two 16-bit products at a time.
 *
 * Four bytes become two pairs of 16-bit values: bytes 0 and 2, and bytes 1 and 3. Rows that many
 * channels read are widened so before.
 */
#ifndef CMOPT_CMSIS_NN_DSP_DOT_H
#define CMOPT_CMSIS_NN_DSP_DOT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../isa.h"
#include "../sums.h"

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

/* The sum of the products of one row, each value `x_offset` more, with one channel's weights. */
CMOPT_INLINE int32_t
cmopt_dot_1x1(const int8_t *x, int32_t x_offset, const int8_t *w, int32_t count)
{
    const uint32_t offsets = ((uint32_t)x_offset & 0xffffu) * 0x00010001u;
    int32_t sum = 0;
    for (; count >= 4; count -= 4, x += 4, w += 4) {
        const uint32_t values = cmopt_load(x);
        const uint32_t weights = cmopt_load(w);
        sum = cmopt_smlad(cmopt_even_from(values, offsets), cmopt_even(weights), sum);
        sum = cmopt_smlad(cmopt_odd_from(values, offsets), cmopt_odd(weights), sum);
    }
    for (; count > 0; count--) {
        sum = cmopt_add_product(sum, *x++ + x_offset, *w++);
    }
    return sum;
}

/* Four columns of one row times one channel's weights. */
#define CMOPT_DSP_ROW_CHANNEL(address, s)                                                         \
    "ldr %[v], " address "\n"                                                                     \
    "sxtb16 %[t], %[v]\n"                                                                         \
    "smlad %[" s "], %[even], %[t], %[" s "]\n"                                                   \
    "sxtb16 %[v], %[v], ror #8\n"                                                                 \
    "smlad %[" s "], %[odd], %[v], %[" s "]\n"

#define CMOPT_DSP_ROW                                                                             \
    "ldr %[t], [%[x]], #4\n"                                                                      \
    "sxtab16 %[even], %[offsets], %[t]\n"                                                         \
    "sxtab16 %[odd], %[offsets], %[t], ror #8\n" CMOPT_DSP_ROW_CHANNEL("[%[w], %[n]]", "s1")      \
        CMOPT_DSP_ROW_CHANNEL("[%[w], %[n], lsl #1]", "s2")                                       \
            CMOPT_DSP_ROW_CHANNEL("[%[w], %[n3]]", "s3")                                          \
                CMOPT_DSP_ROW_CHANNEL("[%[w]], #4", "s0")

/* Thirteen registers are used. */
#define CMOPT_DSP_RUN_ROW(text)                                                                   \
    __asm__(text                                                                                  \
            : [x] "+r"(x), [w] "+r"(w), [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2),              \
              [s3] "+r"(s3), [even] "=&r"(even), [odd] "=&r"(odd), [v] "=&r"(v), [t] "=&r"(t)     \
            : [n] "r"(count), [n3] "r"(3 * count), [offsets] "r"(offsets)                         \
            : "memory")

/* The products of one row, each value `x_offset` more, with four channels' rows of weights. */
CMOPT_INLINE void cmopt_dot_1x4(const int8_t *x,
                                int32_t x_offset,
                                const int8_t *w,
                                int32_t count,
                                int32_t to[4])
{
    const uint32_t offsets = ((uint32_t)x_offset & 0xffffu) * 0x00010001u;
    int32_t s0 = 0;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t s3 = 0;
    uint32_t even, odd, v, t;
    for (int32_t left = count >> 5; left > 0; left--) {
        CMOPT_DSP_RUN_ROW(CMOPT_DSP_ROW CMOPT_DSP_ROW CMOPT_DSP_ROW CMOPT_DSP_ROW CMOPT_DSP_ROW
                              CMOPT_DSP_ROW CMOPT_DSP_ROW CMOPT_DSP_ROW);
    }
    for (int32_t left = (count >> 2) & 7; left > 0; left--) {
        CMOPT_DSP_RUN_ROW(CMOPT_DSP_ROW);
    }
    for (int32_t left = count & 3; left > 0; left--, w++) {
        const int32_t value = *x++ + x_offset;
        s0 = cmopt_add_product(s0, value, w[0]);
        s1 = cmopt_add_product(s1, value, w[count]);
        s2 = cmopt_add_product(s2, value, w[2 * count]);
        s3 = cmopt_add_product(s3, value, w[3 * count]);
    }
    to[0] = s0;
    to[1] = s1;
    to[2] = s2;
    to[3] = s3;
}

enum { CMOPT_WIDENS = 1 };

/*
 * Two rows that many channels read are widened before, and interleaved: for each four columns,
 * pairs of columns 0 and 2 and of 1 and 3 of the first row, then of the second. This takes four
 * bytes for each column, rounded up to four columns. Addresses are multiples of four.
 */

#define CMOPT_DSP_WIDEN                                                                           \
    "ldr %[bytes], [%[from]], #4\n"                                                               \
    "sxtb16 %[even], %[bytes]\n"                                                                  \
    "sxtb16 %[bytes], %[bytes], ror #8\n"                                                         \
    "strd %[even], %[bytes], [%[to]], #16\n"

/* Widens `words` times four bytes. `to` is at the row's pairs of the first of these columns.
 * Returns the place of the next. */
CMOPT_INLINE uint32_t *cmopt_widen(uint32_t *to, const int8_t *from, int32_t words)
{
    uint32_t bytes, even;
    for (; words >= 4; words -= 4) {
        __asm__ volatile(CMOPT_DSP_WIDEN CMOPT_DSP_WIDEN CMOPT_DSP_WIDEN CMOPT_DSP_WIDEN
                : [from] "+r"(from), [to] "+r"(to), [bytes] "=&r"(bytes), [even] "=&r"(even)
                :
                : "memory");
    }
    for (; words > 0; words--) {
        __asm__ volatile(CMOPT_DSP_WIDEN
                : [from] "+r"(from), [to] "+r"(to), [bytes] "=&r"(bytes), [even] "=&r"(even)
                :
                : "memory");
    }
    return to;
}

/* The same of one to three bytes. */
static inline void cmopt_widen_last(uint32_t *to, const int8_t *from, int32_t bytes)
{
    int8_t last[4] = {0, 0, 0, 0};
    memcpy(last, from, (size_t)bytes);
    cmopt_widen(to, last, 1);
}

/* The same of equal bytes. */
CMOPT_INLINE uint32_t *cmopt_widen_value(uint32_t *to, int32_t value, int32_t words)
{
    const uint32_t pair = ((uint32_t)value & 0xffffu) * 0x00010001u;
    for (; words > 0; words--, to += 4) {
        to[0] = pair;
        to[1] = pair;
    }
    return to;
}

/* Four columns of both rows times one channel's weights. */
#define CMOPT_DSP_CHANNEL(w, s0, s1)                                                              \
    "ldr %[v], [%[" w "]], #4\n"                                                                  \
    "sxtb16 %[t], %[v]\n"                                                                         \
    "smlad %[" s0 "], %[a], %[t], %[" s0 "]\n"                                                    \
    "smlad %[" s1 "], %[c], %[t], %[" s1 "]\n"                                                    \
    "sxtb16 %[t], %[v], ror #8\n"                                                                 \
    "smlad %[" s0 "], %[b], %[t], %[" s0 "]\n"                                                    \
    "smlad %[" s1 "], %[d], %[t], %[" s1 "]\n"

#define CMOPT_DSP_COLUMNS                                                                         \
    "ldrd %[a], %[b], [%[x]], #8\n"                                                               \
    "ldrd %[c], %[d], [%[x]], #8\n" CMOPT_DSP_CHANNEL("w0", "s00", "s10")                         \
        CMOPT_DSP_CHANNEL("w1", "s01", "s11")

/* Thirteen registers are used. */
#define CMOPT_DSP_RUN(text)                                                                       \
    __asm__(text                                                                                  \
            : [x] "+r"(x), [w0] "+r"(w0), [w1] "+r"(w1), [s00] "+r"(s00), [s01] "+r"(s01),        \
              [s10] "+r"(s10), [s11] "+r"(s11), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),         \
              [d] "=&r"(d), [v] "=&r"(v), [t] "=&r"(t)                                            \
            :                                                                                     \
            : "memory")

/* Adds the products of two rows, widened so, with two channels' weights. whole: the number of
 * columns is a multiple of sixteen. */
CMOPT_INLINE void cmopt_dot_2x2_wide(const int8_t *x,
                                     const int8_t *w0,
                                     const int8_t *w1,
                                     int32_t count,
                                     bool whole,
                                     cmopt_sums_2x2 *to)
{
    int32_t s00 = to->s00;
    int32_t s01 = to->s01;
    int32_t s10 = to->s10;
    int32_t s11 = to->s11;
    uint32_t a, b, c, d, v, t;
    for (int32_t left = count >> 4; left > 0; left--) {
        CMOPT_DSP_RUN(CMOPT_DSP_COLUMNS CMOPT_DSP_COLUMNS CMOPT_DSP_COLUMNS CMOPT_DSP_COLUMNS);
    }
    for (int32_t left = whole ? 0 : (count >> 2) & 3; left > 0; left--) {
        CMOPT_DSP_RUN(CMOPT_DSP_COLUMNS);
    }
    if (!whole && (count & 3)) {
        static const uint8_t places[3] = {0, 2, 1};
        int16_t last[8];
        memcpy(last, x, sizeof last);
        for (int32_t i = 0; i < (count & 3); i++) {
            const int32_t first = last[places[i]];
            const int32_t second = last[4 + places[i]];
            s00 = cmopt_add_product(s00, first, w0[i]);
            s01 = cmopt_add_product(s01, first, w1[i]);
            s10 = cmopt_add_product(s10, second, w0[i]);
            s11 = cmopt_add_product(s11, second, w1[i]);
        }
    }
    to->s00 = s00;
    to->s01 = s01;
    to->s10 = s10;
    to->s11 = s11;
}

#endif /* CMOPT_CMSIS_NN_DSP_DOT_H */
