/*
 * Softmax in fixed point, as in gemmlowp. exp of a negative value is a polynomial on [-1/4, 0)
 * times tabulated powers. The reciprocal of the sum is computed by Newton's iteration.
 * Qm.n below is a signed number with m integer bits and n fraction bits.
 */
#include <stdbool.h>

#include "arm_nnfunctions.h"
#include "fixed_point.h"

#define MUL(a, b) cmopt_saturating_doubling_high_mul((a), (b))

enum {
    EXP_FRACTION_BITS = 26,      /* exp reads Q5.26 */
    SUM_INTEGER_BITS = 12,       /* the sum of exps is kept in Q12.19 */
    OUTPUT_BITS = 8              /* the output's scale is 2^-8 */
};

/* exp(-1/4), exp(-1/2), exp(-1), … exp(-16) in Q0.31. */
static const int32_t exp_of_minus_power[7] = {1672461947, 1302514674, 790015084, 290630308,
                                              39332535,   720401,     242};

/* exp(t) in Q0.31 for t in [-1/4, 0) in Q0.31: a polynomial of degree four around -1/8. */
static int32_t exp_near_zero(int32_t t)
{
    const int32_t exp_of_minus_eighth = 1895147668;
    const int32_t third = 715827883;
    const int32_t x = t + ((int32_t)1 << 28);
    const int32_t x2 = MUL(x, x);
    const int32_t x3 = MUL(x2, x);
    const int32_t x4_quarter = cmopt_rounding_divide_by_pot(MUL(x2, x2), 2);
    /* x2/2 + x3/6 + x4/24 */
    const int32_t tail = cmopt_rounding_divide_by_pot(MUL(x4_quarter + x3, third) + x2, 1);
    return exp_of_minus_eighth + MUL(exp_of_minus_eighth, x + tail);
}

/* exp(a) in Q0.31 for a <= 0 in Q5.26. */
static int32_t exp_of_negative(int32_t a)
{
    if (a == 0) {
        return INT32_MAX;
    }
    const int32_t quarter = (int32_t)1 << (EXP_FRACTION_BITS - 2);
    const int32_t rest = (a & (quarter - 1)) - quarter; /* a modulo 1/4, in [-1/4, 0) */
    const uint32_t quarters = (uint32_t)rest - (uint32_t)a; /* the other part, negated: positive */
    int32_t result = exp_near_zero(rest * (1 << (31 - EXP_FRACTION_BITS)));
    for (int32_t i = 0; i < 7; i++) {
        if (quarters & ((uint32_t)1 << (EXP_FRACTION_BITS - 2 + i))) {
            result = MUL(result, exp_of_minus_power[i]);
        }
    }
    return result;
}

/* value * 2^bits, saturated. */
static int32_t saturating_shift_left(int32_t value, int32_t bits)
{
    const int32_t limit = (int32_t)(((uint32_t)1 << (31 - bits)) - 1u);
    if (value > limit) {
        return INT32_MAX;
    }
    return value < -limit ? INT32_MIN : cmopt_wrapping_shift_left(value, bits);
}

/* 1 / (1 + x) in Q0.31 for x in [0, 1) in Q0.31. */
static int32_t reciprocal_of_one_plus(int32_t x)
{
    const int32_t minus_32_over_17 = -1010580540; /* Q2.29 */
    const int32_t plus_48_over_17 = 1515870810;   /* Q2.29 */
    const int32_t one = (int32_t)1 << 29;         /* Q2.29 */
    /* (1 + x) / 2 in Q0.31, halves away from zero. */
    const int64_t twice = (int64_t)x + INT32_MAX;
    const int32_t half_denominator = (int32_t)((twice + (twice >= 0 ? 1 : -1)) / 2);
    int32_t estimate = plus_48_over_17 + MUL(half_denominator, minus_32_over_17);
    for (int32_t i = 0; i < 3; i++) {
        const int32_t error = one - MUL(half_denominator, estimate);
        estimate = cmopt_wrapping_add(estimate, saturating_shift_left(MUL(estimate, error), 2));
    }
    return saturating_shift_left(estimate, 1);
}

static int32_t leading_zeros(uint32_t value)
{
    int32_t count = 0;
    while (count < 32 && !(value & 0x80000000u)) {
        value <<= 1;
        count++;
    }
    return count;
}

/* exp of a difference of two inputs, Q0.31. */
static int32_t exp_of_difference(int32_t difference, int32_t multiplier, int32_t shift)
{
    return exp_of_negative(MUL(cmopt_wrapping_shift_left(difference, shift), multiplier));
}

static void softmax_row(const int8_t *input,
                        int32_t size,
                        int32_t multiplier,
                        int32_t shift,
                        int32_t diff_min,
                        int8_t *output)
{
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < size; i++) {
        largest = input[i] > largest ? input[i] : largest;
    }
    int64_t wide_sum = 0;
    for (int32_t i = 0; i < size; i++) {
        const int32_t difference = input[i] - largest;
        if (difference >= diff_min) {
            wide_sum += cmopt_rounding_divide_by_pot(
                exp_of_difference(difference, multiplier, shift), SUM_INTEGER_BITS);
        }
    }
    /* The sum of more than 4095 equal inputs does not fit Q12.19. */
    const int32_t sum = wide_sum > INT32_MAX ? INT32_MAX : (int32_t)wide_sum;
    const int32_t headroom = leading_zeros((uint32_t)sum);
    /* The sum normalised to [1, 2), minus 1. */
    const int32_t fraction = (int32_t)(((sum > 0 ? (uint32_t)sum << headroom : 0u)) - 0x80000000u);
    const int32_t scale = reciprocal_of_one_plus(fraction);
    const int32_t right_shift = SUM_INTEGER_BITS - headroom + 31 - OUTPUT_BITS;

    for (int32_t i = 0; i < size; i++) {
        const int32_t difference = input[i] - largest;
        int32_t value = INT8_MIN;
        if (difference >= diff_min) {
            const int32_t probability =
                MUL(scale, exp_of_difference(difference, multiplier, shift));
            value += cmopt_rounding_divide_by_pot(probability, right_shift);
        }
        output[i] = (int8_t)cmopt_clamp(value, INT8_MIN, INT8_MAX);
    }
}

void arm_softmax_s8(const int8_t *input,
                    const int32_t num_rows,
                    const int32_t row_size,
                    const int32_t mult,
                    const int32_t shift,
                    const int32_t diff_min,
                    int8_t *output)
{
    for (int32_t row = 0; row < num_rows; row++) {
        softmax_row(input + row * row_size, row_size, mult, shift, diff_min,
                    output + row * row_size);
    }
}
