/*
 * From sums of 32 bits to int8, with fewer instructions than fixed_point.h where the arguments of a
 * call allow it. The results are the same, bit for bit.
 *
 * For a right shift s of 2 or more, (a * b + 2^30) >> 31, rounded by 2^s with halves upward, is
 * ((high >> (s - 2)) + 1) >> 1, where `high` has the upper 32 bits of a * b + 2^30. For halves away
 * from zero, a negative quotient is made smaller by one before: this is 2^31 in 64 bits.
 */
#ifndef CMOPT_CMSIS_NN_OUTPUT_H
#define CMOPT_CMSIS_NN_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "arm_nn_types.h"
#include "fixed_point.h"
#include "isa.h"

typedef enum {
    CMOPT_UP,     /* Shifts are -31 to -2, and no negative result survives the clamp. */
    CMOPT_AWAY,   /* Shifts are -31 to -2. */
    CMOPT_GENERAL /* Any. */
} cmopt_kind;

typedef struct {
    cmopt_kind kind;
    int32_t offset;
    int32_t low;
    int32_t high;
    bool clamped; /* the bounds are not int8's */
} cmopt_output;

/* The output of a call with `count` channels. */
static inline cmopt_output cmopt_output_of(const int32_t *multipliers,
                                           const int32_t *shifts,
                                           int32_t count,
                                           int32_t offset,
                                           cmsis_nn_activation activation)
{
    cmopt_output output = {CMOPT_GENERAL, offset, activation.min, activation.max,
                           activation.min != INT8_MIN || activation.max != INT8_MAX};
    for (int32_t i = 0; i < count; i++) {
        if (shifts[i] > -2 || shifts[i] < -31 || multipliers[i] == INT32_MIN) {
            return output;
        }
    }
    /* A scaled sum is below 2^29, so adding an offset within 16 bits does not overflow. */
    if (offset >= INT16_MIN && offset <= INT16_MAX && activation.min <= activation.max) {
        output.kind = activation.min >= offset ? CMOPT_UP : CMOPT_AWAY;
    }
    return output;
}

/* The nearest int8 value. */
CMOPT_INLINE int32_t cmopt_saturate(int32_t value)
{
#ifdef __ARM_FEATURE_SAT
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
    return result;
#else
    return cmopt_clamp(value, INT8_MIN, INT8_MAX);
#endif
}

/* A factor of a result. `right` is one less than how far it shifts right. */
typedef struct {
    int32_t multiplier;
    int32_t right;
} cmopt_factor;

CMOPT_INLINE cmopt_factor cmopt_factor_of(const int32_t *multiplier, const int32_t *shift)
{
    cmopt_factor factor = {*multiplier, ~*shift};
    CMOPT_OPAQUE(factor.right); /* or the compiler subtracts from it in three steps */
    return factor;
}

/* A result of any output. */
CMOPT_NOINLINE int8_t cmopt_any_result(int32_t sum,
                                       int32_t multiplier,
                                       int32_t shift,
                                       const cmopt_output *output)
{
    return cmopt_finish_s8(sum, multiplier, shift, output->offset, output->low, output->high);
}

/* An int8 result, for a constant `kind`. CMOPT_AWAY is right for both kinds with negative shifts,
 * and CMOPT_GENERAL for all. `clamped` is false only if the output's is. The output is a copy,
 * which a store to the results does not change. */
CMOPT_INLINE int8_t cmopt_result(int32_t sum,
                                 cmopt_factor factor,
                                 cmopt_output output,
                                 cmopt_kind kind,
                                 bool clamped)
{
    if (kind == CMOPT_GENERAL) {
        return cmopt_any_result(sum, factor.multiplier, ~factor.right, &output);
    }
    int64_t product = (int64_t)sum * factor.multiplier + ((int64_t)1 << 30);
    if (kind == CMOPT_AWAY) {
        product += (product >> 63) * ((int64_t)1 << 31);
    }
    const int32_t high = (int32_t)(product >> 32);
    const int32_t scaled = (((high >> (factor.right - 1)) + 1) >> 1) + output.offset;
    return (int8_t)(clamped ? cmopt_clamp(scaled, output.low, output.high)
                            : cmopt_saturate(scaled));
}

#endif /* CMOPT_CMSIS_NN_OUTPUT_H */
