/*
 * Products of int8 rows with a weight matrix, on vectors.
 *
 * A product sums sixteen bytes at a time. A tail-predicated loop reads no byte past a row. Three
 * rows by two channels, or one row by four channels, use all registers that a product can sum to:
 * these are the even ones.
 */
#ifndef CMOPT_CMSIS_NN_MVE_DOT_H
#define CMOPT_CMSIS_NN_MVE_DOT_H

#include <stdint.h>

#include "../isa.h"

enum { CMOPT_MATRIX_ROWS = 3 };

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

#endif /* CMOPT_CMSIS_NN_MVE_DOT_H */
