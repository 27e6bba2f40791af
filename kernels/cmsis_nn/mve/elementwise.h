/*
 * Elementwise addition and multiplication, four values at a time.
 */
#ifndef CMOPT_CMSIS_NN_MVE_ELEMENTWISE_H
#define CMOPT_CMSIS_NN_MVE_ELEMENTWISE_H

#include "requantize.h"

/* A factor, as two shifts and a multiplier. */
typedef struct {
    int32_t offset;
    int32_t left;
    int32_t multiplier;
    int32_t right; /* negative or 0 */
} cmopt_mve_factor;

/* Shifts left by `before` first. False if vectors do not compute it exactly. */
static inline bool cmopt_mve_factor_of(cmopt_mve_factor *factor,
                                       int32_t offset,
                                       int32_t multiplier,
                                       int32_t shift,
                                       int32_t before)
{
    factor->offset = offset;
    factor->left = before + (shift > 0 ? shift : 0);
    factor->multiplier = multiplier;
    factor->right = shift > 0 ? 0 : shift;
    return multiplier != INT32_MIN && shift >= -31 && shift <= 31 && before >= 0 &&
           factor->left <= 127;
}

/* round(values * factor), for values with the offset. `rounded`: the right shift is not 0. */
CMOPT_INLINE int32x4_t cmopt_mve_by_factor(int32x4_t values,
                                           const cmopt_mve_factor *factor,
                                           bool shifted,
                                           bool rounded)
{
    if (shifted) {
        values = vshlq_r_s32(values, factor->left);
    }
    values = vqrdmulhq_n_s32(values, factor->multiplier);
    return rounded ? vrshlq_n_s32(cmopt_mve_away(values), factor->right) : values;
}

/* What an addition computes. plain: no clamped result depends on how halves of negative numbers are
 * rounded, and the sum is only shifted right. */
typedef struct {
    const cmopt_mve_factor *a;
    const cmopt_mve_factor *b;
    const cmopt_mve_factor *sum;
    const cmopt_mve_output *output;
    bool a_rounded;
    bool b_rounded;
    bool plain;
} cmopt_mve_addition;

CMOPT_INLINE int32x4_t cmopt_mve_add_4(int32x4_t a, int32x4_t b, const cmopt_mve_addition *add)
{
    a = cmopt_mve_by_factor(vaddq_n_s32(a, add->a->offset), add->a, true, add->a_rounded);
    b = cmopt_mve_by_factor(vaddq_n_s32(b, add->b->offset), add->b, true, add->b_rounded);
    int32x4_t sum = vaddq_s32(a, b);
    if (add->plain) {
        sum = vrshlq_n_s32(vqrdmulhq_n_s32(sum, add->sum->multiplier), add->sum->right);
    } else {
        sum = cmopt_mve_by_factor(sum, add->sum, add->sum->left != 0, add->sum->right != 0);
    }
    return cmopt_mve_clamp(sum, add->output);
}

/* With constant flags in `add`, one loop without tests. */
CMOPT_INLINE void cmopt_mve_add_as(const int8_t *a,
                                   const int8_t *b,
                                   cmopt_mve_addition add,
                                   int8_t *out,
                                   int32_t count)
{
    for (; count >= 4; count -= 4, a += 4, b += 4, out += 4) {
        vstrbq_s32(out, cmopt_mve_add_4(vldrbq_s32(a), vldrbq_s32(b), &add));
    }
    if (count > 0) {
        const mve_pred16_t lanes = vctp32q((uint32_t)count);
        const int32x4_t sum =
            cmopt_mve_add_4(vldrbq_z_s32(a, lanes), vldrbq_z_s32(b, lanes), &add);
        vstrbq_p_s32(out, sum, lanes);
    }
}

/* Elementwise addition. */
static void cmopt_mve_add(const int8_t *a,
                          const int8_t *b,
                          const cmopt_mve_factor *of_a,
                          const cmopt_mve_factor *of_b,
                          const cmopt_mve_factor *of_sum,
                          const cmopt_mve_output *output,
                          int8_t *out,
                          int32_t count)
{
    if (of_b->right == 0) {
        const int8_t *const other = a;
        const cmopt_mve_factor *const of_other = of_a;
        a = b;
        of_a = of_b;
        b = other;
        of_b = of_other;
    }
    cmopt_mve_addition add = {of_a, of_b, of_sum, output, of_a->right != 0, of_b->right != 0,
                              false};
    /* The input of the larger scale is not shifted right. */
    if (!add.a_rounded && add.b_rounded) {
        add.a_rounded = false;
        add.b_rounded = true;
        if (output->kind == CMOPT_MVE_UP) {
            add.plain = true;
            cmopt_mve_add_as(a, b, add, out, count);
        } else {
            add.plain = false;
            cmopt_mve_add_as(a, b, add, out, count);
        }
    } else {
        cmopt_mve_add_as(a, b, add, out, count);
    }
}

/* Elementwise multiplication. */
static void cmopt_mve_mul(const int8_t *a,
                          const int8_t *b,
                          int32_t a_offset,
                          int32_t b_offset,
                          const cmopt_mve_factor *factor,
                          const cmopt_mve_output *output,
                          int8_t *out,
                          int32_t count)
{
    const bool shifted = factor->left != 0;
    const bool rounded = factor->right != 0;
    for (; count > 0; count -= 4, a += 4, b += 4, out += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)count);
        const int32x4_t x = vaddq_n_s32(vldrbq_z_s32(a, lanes), a_offset);
        const int32x4_t y = vaddq_n_s32(vldrbq_z_s32(b, lanes), b_offset);
        const int32x4_t product = cmopt_mve_by_factor(vmulq_s32(x, y), factor, shifted, rounded);
        vstrbq_p_s32(out, cmopt_mve_clamp(product, output), lanes);
    }
}

#endif /* CMOPT_CMSIS_NN_MVE_ELEMENTWISE_H */
