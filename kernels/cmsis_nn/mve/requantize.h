/*
 * From sums of 32 bits to int8, on vectors: the arithmetic of fixed_point.h, bit for bit.
 *
 * vqrdmulh rounds as cmopt_doubling_high_mul does. It saturates only INT32_MIN squared, which
 * wraps there; so no multiplier is INT32_MIN. vrshl rounds halves upward. A negative number is
 * made smaller by one before, so that its halves are rounded away from zero.
 */
#ifndef CMOPT_CMSIS_NN_MVE_REQUANTIZE_H
#define CMOPT_CMSIS_NN_MVE_REQUANTIZE_H

#include <arm_mve.h>
#include <stdbool.h>
#include <stdint.h>

#include "arm_nn_types.h"
#include "../isa.h"

/* How a call's sums become int8. The cheaper kinds are exact under their conditions. */
typedef enum {
    CMOPT_MVE_UP,      /* All shifts are negative, and no negative result survives the clamp. */
    CMOPT_MVE_AWAY,    /* All shifts are negative. */
    CMOPT_MVE_GENERAL, /* Any shift. */
    CMOPT_MVE_NONE     /* An argument is outside what vectors compute exactly. */
} cmopt_mve_kind;

typedef struct {
    cmopt_mve_kind kind;
    int32_t offset;
    int32_t low;
    int32_t high;
} cmopt_mve_output;

/* The output of a call with `count` channels. */
static inline cmopt_mve_output cmopt_mve_output_of(const int32_t *multipliers,
                                                   const int32_t *shifts,
                                                   int32_t count,
                                                   int32_t offset,
                                                   cmsis_nn_activation activation)
{
    cmopt_mve_output output = {CMOPT_MVE_NONE, offset, activation.min, activation.max};
    int32_t most = INT32_MIN;
    int32_t least = INT32_MAX;
    int32_t least_multiplier = INT32_MAX;
    for (int32_t i = 0; i < count; i += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(count - i));
        const int32x4_t shift = vldrwq_z_s32(shifts + i, lanes);
        most = vmaxvq_p_s32(most, shift, lanes);
        least = vminvq_p_s32(least, shift, lanes);
        least_multiplier =
            vminvq_p_s32(least_multiplier, vldrwq_z_s32(multipliers + i, lanes), lanes);
    }
    if (offset < INT8_MIN || offset > INT8_MAX || activation.min < INT8_MIN ||
        activation.max > INT8_MAX || activation.min > activation.max || least < -31 || most > 31 ||
        least_multiplier == INT32_MIN) {
        return output;
    }
    output.kind = most >= 0                  ? CMOPT_MVE_GENERAL
                  : activation.min >= offset ? CMOPT_MVE_UP
                                             : CMOPT_MVE_AWAY;
    return output;
}

/* One less where negative: before vrshl, so that halves are rounded away from zero. */
CMOPT_INLINE int32x4_t cmopt_mve_away(int32x4_t values)
{
    return vqaddq_s32(values, vshrq_n_s32(values, 31));
}

/* Four sums, scaled. For negative shifts only. */
CMOPT_INLINE int32x4_t cmopt_mve_scale_down(int32x4_t sums,
                                            int32x4_t multipliers,
                                            int32x4_t shifts,
                                            bool away)
{
    sums = vqrdmulhq_s32(sums, multipliers);
    return vrshlq_s32(away ? cmopt_mve_away(sums) : sums, shifts);
}

/* Four sums, scaled, for any shifts. */
CMOPT_INLINE int32x4_t cmopt_mve_scale(int32x4_t sums, int32x4_t multipliers, int32x4_t shifts)
{
    const int32x4_t zero = vdupq_n_s32(0);
    const int32x4_t right = vminq_s32(shifts, zero);
    sums = vqrdmulhq_s32(vshlq_s32(sums, vmaxq_s32(shifts, zero)), multipliers);
    /* All ones where both the number and its shift are negative. */
    const int32x4_t one_less = vshrq_n_s32(vandq_s32(sums, right), 31);
    return vrshlq_s32(vqaddq_s32(sums, one_less), right);
}

/* Four scaled sums with the output's offset, clamped. */
CMOPT_INLINE int32x4_t cmopt_mve_clamp(int32x4_t scaled, const cmopt_mve_output *output)
{
    scaled = vaddq_n_s32(scaled, output->offset);
    scaled = vmaxq_s32(scaled, vdupq_n_s32(output->low));
    return vminq_s32(scaled, vdupq_n_s32(output->high));
}

/* Sixteen sums. `a` has the channels 0, 4, 8, 12 of sixteen, `b` 2, 6, …, `c` 1, 5, … and `d`
 * 3, 7, …: the order in which widening products of bytes leave them. */
typedef struct {
    int32x4_t a;
    int32x4_t b;
    int32x4_t c;
    int32x4_t d;
} cmopt_mve_sums;

/* The place of a channel in that order. */
CMOPT_INLINE int32_t cmopt_mve_place(int32_t channel)
{
    return ((channel & 1) << 3) + ((channel & 2) << 1) + (channel >> 2);
}

/* Int8 results in ascending order of channels, of sums scaled by cmopt_mve_scale_down. `clamped` is
 * false only if the bounds are int8's. */
CMOPT_INLINE int8x16_t cmopt_mve_narrow(cmopt_mve_sums sums,
                                        const cmopt_mve_output *output,
                                        bool clamped)
{
    /* A scaled sum is below 2^30, so saturating it to 16 bits before the offset, and to 8 bits
     * before the clamp, changes no clamped result. */
    int16x8_t even = vqmovnbq_s32(vreinterpretq_s16_s32(sums.a), sums.a);
    int16x8_t odd = vqmovnbq_s32(vreinterpretq_s16_s32(sums.c), sums.c);
    even = vqaddq_n_s16(vqmovntq_s32(even, sums.b), (int16_t)output->offset);
    odd = vqaddq_n_s16(vqmovntq_s32(odd, sums.d), (int16_t)output->offset);
    int8x16_t narrow = vqmovnbq_s16(vreinterpretq_s8_s16(even), even);
    narrow = vqmovntq_s16(narrow, odd);
    if (clamped) {
        narrow = vmaxq_s8(narrow, vdupq_n_s8((int8_t)output->low));
        narrow = vminq_s8(narrow, vdupq_n_s8((int8_t)output->high));
    }
    return narrow;
}

/* The same of results in 32 bits. */
CMOPT_INLINE int8x16_t cmopt_mve_pack(cmopt_mve_sums results)
{
    const int16x8_t even = vmovntq_s32(vreinterpretq_s16_s32(results.a), results.b);
    const int16x8_t odd = vmovntq_s32(vreinterpretq_s16_s32(results.c), results.d);
    return vmovntq_s16(vreinterpretq_s8_s16(even), odd);
}

/* The scaled sums of one list, for negative shifts. */
CMOPT_INLINE int32x4_t cmopt_mve_scale_list(int32x4_t sums,
                                            const int32_t *multipliers,
                                            const int32_t *shifts,
                                            bool away)
{
    return cmopt_mve_scale_down(sums, vldrwq_s32(multipliers), vldrwq_s32(shifts), away);
}

/* The results of one list, for any shifts. */
CMOPT_INLINE int32x4_t cmopt_mve_finish_list(int32x4_t sums,
                                             const int32_t *multipliers,
                                             const int32_t *shifts,
                                             const cmopt_mve_output *output)
{
    return cmopt_mve_clamp(cmopt_mve_scale(sums, vldrwq_s32(multipliers), vldrwq_s32(shifts)),
                           output);
}

/* Sixteen int8 results in ascending order of channels. Multipliers and shifts are in the order of
 * the sums. `kind` is the output's kind, and `clamped` false only if the bounds are int8's. */
CMOPT_INLINE int8x16_t cmopt_mve_finish(cmopt_mve_sums sums,
                                        const int32_t *multipliers,
                                        const int32_t *shifts,
                                        const cmopt_mve_output *output,
                                        cmopt_mve_kind kind,
                                        bool clamped)
{
    if (kind == CMOPT_MVE_GENERAL) {
        sums.a = cmopt_mve_finish_list(sums.a, multipliers, shifts, output);
        sums.b = cmopt_mve_finish_list(sums.b, multipliers + 4, shifts + 4, output);
        sums.c = cmopt_mve_finish_list(sums.c, multipliers + 8, shifts + 8, output);
        sums.d = cmopt_mve_finish_list(sums.d, multipliers + 12, shifts + 12, output);
        return cmopt_mve_pack(sums);
    }
    const bool away = kind == CMOPT_MVE_AWAY;
    sums.a = cmopt_mve_scale_list(sums.a, multipliers, shifts, away);
    sums.b = cmopt_mve_scale_list(sums.b, multipliers + 4, shifts + 4, away);
    sums.c = cmopt_mve_scale_list(sums.c, multipliers + 8, shifts + 8, away);
    sums.d = cmopt_mve_scale_list(sums.d, multipliers + 12, shifts + 12, away);
    return cmopt_mve_narrow(sums, output, clamped);
}

#endif /* CMOPT_CMSIS_NN_MVE_REQUANTIZE_H */
