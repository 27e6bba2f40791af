/*
 * Taps of a depthwise convolution with the DSP extension: weights are widened for each four
 * channels.
 */
#ifndef CMOPT_CMSIS_NN_DSP_DEPTHWISE_H
#define CMOPT_CMSIS_NN_DSP_DEPTHWISE_H

#include "dot.h"

enum { CMOPT_MOST_TAPS = 49 /* their weights are on the stack */ };

/* Pairs of the weights of channels 0 and 2, and of 1 and 3. */
typedef uint32_t cmopt_weight;

typedef struct {
    const cmopt_weight *weights;
    int32_t next; /* from a tap's weights to the next's */
    uint32_t offsets;
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

/* sum + a.low * b.low, modulo 2^32. */
CMOPT_INLINE int32_t cmopt_smlabb(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* sum + a.low * b.high, modulo 2^32. */
CMOPT_INLINE int32_t cmopt_smlabt(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
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

/* Thirteen registers are used at most. */
#define CMOPT_DSP_RUN_TAPS(text)                                                                  \
    __asm__(text                                                                                  \
            : [x] "+r"(x), [w] "+r"(w), [s0] "+r"(sums[0]), [s1] "+r"(sums[1]),                   \
              [s2] "+r"(sums[2]), [s3] "+r"(sums[3]), [u] "=&r"(u), [v] "=&r"(v), [p] "=&r"(p),   \
              [q] "=&r"(q)                                                                        \
            : [step] "r"(step), [pitch] "r"(pitch), [offsets] "r"(taps->offsets)                  \
            : "memory")

/* Adds the products of one tap. */
CMOPT_INLINE void cmopt_tap(const cmopt_taps *taps,
                            const int8_t *x,
                            const cmopt_weight *w,
                            int32_t sums[4])
{
    const int32_t step = 0;
    const int32_t pitch = 0;
    uint32_t u, v, p, q;
    CMOPT_DSP_RUN_TAPS(CMOPT_DSP_TAP("[%[x]]"));
}

/* The same of three rows of three taps. */
CMOPT_INLINE void cmopt_taps_3x3(const cmopt_taps *taps,
                                 const int8_t *x,
                                 int32_t step,
                                 int32_t pitch,
                                 int32_t sums[4])
{
    const cmopt_weight *w = taps->weights;
    uint32_t u, v, p, q;
    CMOPT_DSP_RUN_TAPS(CMOPT_DSP_THREE_TAPS "add %[x], %[pitch]\n" CMOPT_DSP_THREE_TAPS
                                            "add %[x], %[pitch]\n" CMOPT_DSP_THREE_TAPS);
}

/* The same of one value for all four channels. */
CMOPT_INLINE void cmopt_tap_one(const cmopt_taps *taps,
                                const int8_t *x,
                                const cmopt_weight *w,
                                int32_t sums[4])
{
    const uint32_t value = (uint32_t)*x + taps->offsets; /* only the low half is read */
    sums[0] = cmopt_smlabb(value, w[0], sums[0]);
    sums[1] = cmopt_smlabb(value, w[1], sums[1]);
    sums[2] = cmopt_smlabt(value, w[0], sums[2]);
    sums[3] = cmopt_smlabt(value, w[1], sums[3]);
}

#endif /* CMOPT_CMSIS_NN_DSP_DEPTHWISE_H */
