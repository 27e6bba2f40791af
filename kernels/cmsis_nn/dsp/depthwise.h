/*
 * Taps of a depthwise convolution with the DSP extension: weights are widened for each four
 * channels.
 */
#ifndef CMOPT_CMSIS_NN_DSP_DEPTHWISE_H
#define CMOPT_CMSIS_NN_DSP_DEPTHWISE_H

#include <stdbool.h>

#include "dot.h"

enum { CMOPT_MOST_TAPS = 49, /* their weights are on the stack */
    CMOPT_MOST_ROWS = 2 * CMOPT_MOST_TAPS / 8 /* of up to four taps of one channel */
};

/* Pairs of the weights of channels 0 and 2, and of 1 and 3. */
typedef uint32_t cmopt_weight;

typedef struct {
    const cmopt_weight *weights;
    int32_t next; /* from a tap's weights to the next's */
    uint32_t offsets;
    int32_t start[4]; /* of the four channels' sums; the pairs follow */
    cmopt_weight pairs[2 * CMOPT_MOST_TAPS];
} cmopt_taps;

static inline void cmopt_taps_begin(cmopt_taps *taps,
                                    const int8_t *weights,
                                    int32_t channels,
                                    int32_t count,
                                    int32_t offset)
{
    taps->weights = taps->pairs;
    taps->next = 2;
    taps->offsets = ((uint32_t)offset & 0xffffu) * 0x00010001u;
    for (int32_t i = 0; i < count; i++, weights += channels) {
        const uint32_t bytes = cmopt_load(weights);
        taps->pairs[2 * i] = cmopt_even(bytes);
        taps->pairs[2 * i + 1] = cmopt_odd(bytes);
    }
}

/* Products of one tap at an address, with the weights at w. */
#define CMOPT_DSP_TAP(address)                                                                    \
    "ldr %[u], " address "\n"                                                                     \
    "ldrd %[p], %[q], [%[w]], #8\n"                                                               \
    "sxtab16 %[v], %[offsets], %[u]\n"                                                            \
    "sxtab16 %[u], %[offsets], %[u], ror #8\n"                                                    \
    "smlabb %[s0], %[v], %[p], %[s0]\n"                                                           \
    "smlatt %[s2], %[v], %[p], %[s2]\n"                                                           \
    "smlabb %[s1], %[u], %[q], %[s1]\n"                                                           \
    "smlatt %[s3], %[u], %[q], %[s3]\n"

#define CMOPT_DSP_THREE_TAPS                                                                      \
    CMOPT_DSP_TAP("[%[x]]")                                                                       \
    CMOPT_DSP_TAP("[%[x], %[step]]")                                                              \
    CMOPT_DSP_TAP("[%[x], %[step], lsl #1]")

/* Products of one value, in the high or low half of a register, with four channels' weights. */
#define CMOPT_DSP_VALUE(value, half)                                                              \
    "ldrd %[p], %[q], [%[w]], #8\n"                                                               \
    "smla" half "b %[s0], %[" value "], %[p], %[s0]\n"                                            \
    "smla" half "t %[s2], %[" value "], %[p], %[s2]\n"                                            \
    "smla" half "b %[s1], %[" value "], %[q], %[s1]\n"                                            \
    "smla" half "t %[s3], %[" value "], %[q], %[s3]\n"

/* Twelve registers are used at most. */
#define CMOPT_DSP_RUN_TAPS(text, ...)                                                             \
    __asm__(text                                                                                  \
            : [x] "+r"(x), [w] "+r"(w), [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2),              \
              [s3] "+r"(s3), [u] "=&r"(u), [v] "=&r"(v), [p] "=&r"(p), [q] "=&r"(q)               \
            : __VA_ARGS__                                                                         \
            : "memory")

/* Adds the products of `rows` rows of `columns` taps, `step` bytes apart. Sums are modulo 2^32. */
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
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    uint32_t u, v, p, q;
    const int8_t *x = from;
    const cmopt_weight *w = weights;
    if (columns == 3) {
        for (; rows > 0; rows--, x += pitch, w += next_row - 6) {
            CMOPT_DSP_RUN_TAPS(CMOPT_DSP_THREE_TAPS, [step] "r"(step),
                               [offsets] "r"(taps->offsets));
        }
    } else if (columns == 2) {
        for (; rows > 0; rows--, x += pitch, w += next_row - 4) {
            CMOPT_DSP_RUN_TAPS(CMOPT_DSP_TAP("[%[x]]") CMOPT_DSP_TAP("[%[x], %[step]]"),
                               [step] "r"(step), [offsets] "r"(taps->offsets));
        }
    } else {
        for (; rows > 0; rows--, from += pitch, weights += next_row) {
            x = from;
            w = weights;
            for (int32_t left = columns; left > 0; left--) {
                CMOPT_DSP_RUN_TAPS(CMOPT_DSP_TAP("[%[x]]") "add %[x], %[step]\n",
                                   [step] "r"(step), [offsets] "r"(taps->offsets));
            }
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* The sums of three rows of three taps. */
CMOPT_INLINE void cmopt_taps_3x3(const cmopt_taps *taps,
                                 const int8_t *x,
                                 int32_t step,
                                 int32_t pitch,
                                 int32_t sums[4])
{
    const cmopt_weight *w = taps->pairs;
    int32_t s0, s1, s2, s3;
    uint32_t u, v, p, q;
    __asm__("ldrd %[s0], %[s1], [%[w], #-16]\n"
            "ldrd %[s2], %[s3], [%[w], #-8]\n" CMOPT_DSP_THREE_TAPS
            "add %[x], %[pitch]\n" CMOPT_DSP_THREE_TAPS
            "add %[x], %[pitch]\n" CMOPT_DSP_THREE_TAPS
            : [x] "+r"(x), [w] "+r"(w), [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2),
              [s3] "=&r"(s3), [u] "=&r"(u), [v] "=&r"(v), [p] "=&r"(p), [q] "=&r"(q)
            : [step] "r"(step), [pitch] "r"(pitch), [offsets] "r"(taps->offsets)
            : "memory");
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* A row of taps where all four channels read one. */
CMOPT_INLINE void cmopt_taps_row_of_one(const cmopt_taps *taps,
                                        const int8_t *x,
                                        const cmopt_weight *w,
                                        int32_t columns,
                                        int32_t step,
                                        int32_t sums[4])
{
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    uint32_t u, v, p, q;
    for (; columns > 0; columns--) {
        CMOPT_DSP_RUN_TAPS("ldrsb %[u], [%[x]]\n"
                           "add %[x], %[step]\n"
                           "add %[u], %[offsets]\n" CMOPT_DSP_VALUE("u", "b"),
                           [step] "r"(step), [offsets] "r"(taps->offsets));
    }
    (void)v;
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/*
 * Rows of up to four taps of a single channel. For each row and each of four channels: pairs of the
 * weights of taps 0 and 2, and of 1 and 3.
 */
static inline void cmopt_narrow_begin(cmopt_taps *taps,
                                      const int8_t *weights,
                                      int32_t channels,
                                      int32_t rows,
                                      int32_t columns)
{
    for (int32_t y = 0; y < rows; y++) {
        for (int32_t c = 0; c < 4; c++) {
            int8_t row[4] = {0, 0, 0, 0};
            for (int32_t x = 0; x < columns; x++) {
                row[x] = weights[(y * columns + x) * channels + c];
            }
            taps->pairs[8 * y + 2 * c] = cmopt_even(cmopt_load(row));
            taps->pairs[8 * y + 2 * c + 1] = cmopt_odd(cmopt_load(row));
        }
    }
}

/* Adds the products of one row: four values, with four channels' weights, which are moved on. */
#define CMOPT_DSP_NARROW(channel)                                                                 \
    "ldrd %[p], %[q], [%[w]], #8\n"                                                               \
    "smlad %[" channel "], %[v], %[p], %[" channel "]\n"                                          \
    "smlad %[" channel "], %[u], %[q], %[" channel "]\n"

#define CMOPT_DSP_NARROW_ROW(u)                                                                   \
    __asm__("sxtab16 %[v], %[offsets], %[u]\n"                                                    \
            "sxtab16 %[u], %[offsets], %[u], ror #8\n" CMOPT_DSP_NARROW("s0")                     \
                CMOPT_DSP_NARROW("s1") CMOPT_DSP_NARROW("s2") CMOPT_DSP_NARROW("s3")              \
            : [u] "+r"(u), [w] "+r"(w), [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2),              \
              [s3] "+r"(s3), [v] "=&r"(v), [p] "=&r"(p), [q] "=&r"(q)                             \
            : [offsets] "r"(taps->offsets)                                                        \
            : "memory")

/* The four values of a row from column x on. Those outside the row are -offset. */
static inline uint32_t cmopt_narrow_values(const int8_t *row,
                                           int32_t x,
                                           int32_t width,
                                           uint32_t outside)
{
    uint32_t values = 0;
    for (int32_t i = 3; i >= 0; i--) {
        const bool inside = x + i >= 0 && x + i < width;
        values = (values << 8) | (inside ? (uint8_t)row[x + i] : outside & 0xffu);
    }
    return values;
}

/* Adds the products of `rows` rows of four taps from column x on. Rows are `width` long and `pitch`
 * apart. Weights of taps that the filter does not have are 0. */
CMOPT_INLINE void cmopt_narrow_rows(const cmopt_taps *taps,
                                    const int8_t *row,
                                    int32_t x,
                                    int32_t width,
                                    const cmopt_weight *w,
                                    int32_t rows,
                                    int32_t pitch,
                                    int32_t sums[4])
{
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    uint32_t u, v, p, q;
    const uint32_t outside = ((0u - taps->offsets) & 0xffu) * 0x01010101u;
    const int32_t after = x + 4 - width;
    if (x >= 0 && after <= 0) {
        for (row += x; rows > 0; rows--, row += pitch) {
            u = cmopt_load(row);
            CMOPT_DSP_NARROW_ROW(u);
        }
    } else if (x < 0 && x > -4 && width >= 4) {
        const int32_t bits = -8 * x;
        const uint32_t fill = outside >> (32 - bits);
        for (; rows > 0; rows--, row += pitch) {
            u = (cmopt_load(row) << bits) | fill;
            CMOPT_DSP_NARROW_ROW(u);
        }
    } else if (x >= 0 && after < 4 && width >= 4) {
        const int32_t bits = 8 * after;
        const uint32_t fill = outside << (32 - bits);
        for (row += width - 4; rows > 0; rows--, row += pitch) {
            u = (cmopt_load(row) >> bits) | fill;
            CMOPT_DSP_NARROW_ROW(u);
        }
    } else {
        for (; rows > 0; rows--, row += pitch) {
            u = cmopt_narrow_values(row, x, width, outside);
            CMOPT_DSP_NARROW_ROW(u);
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

#endif /* CMOPT_CMSIS_NN_DSP_DEPTHWISE_H */
