/* Elementwise addition and multiplication of equally long vectors. */
#include "arm_nnfunctions.h"
#include "fixed_point.h"
#include "isa.h"
#ifdef CMOPT_MVE
#include "mve/elementwise.h"
#else
#include "output.h"

/* How an input of an addition is scaled. */
typedef struct {
    int32_t offset;
    int32_t left;
    int32_t multiplier;
    int32_t right; /* one less than the shift to the right */
} add_input;

/* An input without a right shift. halved: the multiplier is 1/2, and the left shift 1 or more. */
CMOPT_INLINE int32_t add_unshifted(int32_t value, add_input input, bool halved)
{
    const int32_t left = (int32_t)((uint32_t)(value + input.offset) << input.left);
    return halved ? left >> 1 : cmopt_doubling_high_mul(left, input.multiplier);
}

/* An input with a right shift of 2 or more: see output.h. */
CMOPT_INLINE int32_t add_shifted(int32_t value, add_input input)
{
    const int32_t left = (int32_t)((uint32_t)(value + input.offset) << input.left);
    int64_t product = (int64_t)left * input.multiplier + ((int64_t)1 << 30);
    product += (product >> 63) * ((int64_t)1 << 31);
    return (((int32_t)(product >> 32) >> (input.right - 1)) + 1) >> 1;
}

CMOPT_INLINE void add_as(const int8_t *a,
                         const int8_t *b,
                         add_input of_a,
                         add_input of_b,
                         cmopt_factor factor,
                         cmopt_output output,
                         cmopt_kind kind,
                         bool clamped,
                         bool halved,
                         int8_t *out,
                         int32_t count)
{
    for (; count > 0; count--) {
        const int32_t sum =
            cmopt_wrapping_add(add_unshifted(*a++, of_a, halved), add_shifted(*b++, of_b));
        *out++ = cmopt_result(sum, factor, output, kind, clamped);
    }
}

/* The addition of inputs of which one is shifted right by 2 or more, and the other is not. Neither
 * multiplier is INT32_MIN, left shifts are below 32, and the output's kind is not CMOPT_GENERAL. */
static void add_usual(const int8_t *a,
                      const int8_t *b,
                      add_input of_a,
                      add_input of_b,
                      cmopt_factor factor,
                      cmopt_output output,
                      int8_t *out,
                      int32_t count)
{
    const bool halved = of_a.multiplier == (int32_t)1 << 30 && of_a.left >= 1;
    if (output.kind == CMOPT_UP && !output.clamped && halved) {
        add_as(a, b, of_a, of_b, factor, output, CMOPT_UP, false, true, out, count);
    } else if (output.kind == CMOPT_UP && !output.clamped) {
        add_as(a, b, of_a, of_b, factor, output, CMOPT_UP, false, false, out, count);
    } else {
        add_as(a, b, of_a, of_b, factor, output, CMOPT_AWAY, true, false, out, count);
    }
}

static bool is_shifted(int32_t multiplier, int32_t shift)
{
    return shift <= -2 && shift >= -31 && multiplier != INT32_MIN;
}
#endif

arm_cmsis_nn_status arm_elementwise_add_s8(const int8_t *input_1_vect,
                                           const int8_t *input_2_vect,
                                           const int32_t input_1_offset,
                                           const int32_t input_1_mult,
                                           const int32_t input_1_shift,
                                           const int32_t input_2_offset,
                                           const int32_t input_2_mult,
                                           const int32_t input_2_shift,
                                           const int32_t left_shift,
                                           int8_t *output,
                                           const int32_t out_offset,
                                           const int32_t out_mult,
                                           const int32_t out_shift,
                                           const int32_t out_activation_min,
                                           const int32_t out_activation_max,
                                           const int32_t block_size)
{
#ifdef CMOPT_MVE
    cmopt_mve_factor of_1, of_2, of_sum;
    const cmopt_mve_output finish =
        cmopt_mve_output_of(&out_mult, &out_shift, 1, out_offset,
                            (cmsis_nn_activation){out_activation_min, out_activation_max});
    if (finish.kind != CMOPT_MVE_NONE &&
        cmopt_mve_factor_of(&of_1, input_1_offset, input_1_mult, input_1_shift, left_shift) &&
        cmopt_mve_factor_of(&of_2, input_2_offset, input_2_mult, input_2_shift, left_shift) &&
        cmopt_mve_factor_of(&of_sum, 0, out_mult, out_shift, 0)) {
        cmopt_mve_add(input_1_vect, input_2_vect, &of_1, &of_2, &of_sum, &finish, output,
                      block_size);
        return ARM_CMSIS_NN_SUCCESS;
    }
#else
    const cmsis_nn_activation clamp = {out_activation_min, out_activation_max};
    const cmopt_output finish = cmopt_output_of(&out_mult, &out_shift, 1, out_offset, clamp);
    const cmopt_factor factor = cmopt_factor_of(&out_mult, &out_shift);
    const add_input of_1 = {input_1_offset, left_shift, input_1_mult, ~input_1_shift};
    const add_input of_2 = {input_2_offset, left_shift, input_2_mult, ~input_2_shift};
    if (left_shift >= 0 && left_shift < 32 && finish.kind != CMOPT_GENERAL) {
        if (input_1_shift == 0 && is_shifted(input_2_mult, input_2_shift)) {
            add_usual(input_1_vect, input_2_vect, of_1, of_2, factor, finish, output, block_size);
            return ARM_CMSIS_NN_SUCCESS;
        }
        if (input_2_shift == 0 && is_shifted(input_1_mult, input_1_shift)) {
            add_usual(input_2_vect, input_1_vect, of_2, of_1, factor, finish, output, block_size);
            return ARM_CMSIS_NN_SUCCESS;
        }
    }
#endif
    for (int32_t i = 0; i < block_size; i++) {
        const int32_t a = cmopt_wrapping_shift_left(input_1_vect[i] + input_1_offset, left_shift);
        const int32_t b = cmopt_wrapping_shift_left(input_2_vect[i] + input_2_offset, left_shift);
        const int32_t sum = cmopt_wrapping_add(cmopt_requantize(a, input_1_mult, input_1_shift),
                                               cmopt_requantize(b, input_2_mult, input_2_shift));
        output[i] = cmopt_finish_s8(sum, out_mult, out_shift, out_offset, out_activation_min,
                                    out_activation_max);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_elementwise_mul_s8(const int8_t *input_1_vect,
                                           const int8_t *input_2_vect,
                                           const int32_t input_1_offset,
                                           const int32_t input_2_offset,
                                           int8_t *output,
                                           const int32_t out_offset,
                                           const int32_t out_mult,
                                           const int32_t out_shift,
                                           const int32_t out_activation_min,
                                           const int32_t out_activation_max,
                                           const int32_t block_size)
{
#ifdef CMOPT_MVE
    cmopt_mve_factor factor;
    const cmopt_mve_output finish =
        cmopt_mve_output_of(&out_mult, &out_shift, 1, out_offset,
                            (cmsis_nn_activation){out_activation_min, out_activation_max});
    if (finish.kind != CMOPT_MVE_NONE &&
        cmopt_mve_factor_of(&factor, 0, out_mult, out_shift, 0)) {
        cmopt_mve_mul(input_1_vect, input_2_vect, input_1_offset, input_2_offset, &factor, &finish,
                      output, block_size);
        return ARM_CMSIS_NN_SUCCESS;
    }
#endif
    for (int32_t i = 0; i < block_size; i++) {
        const int32_t product = cmopt_wrapping_mul(input_1_vect[i] + input_1_offset,
                                                   input_2_vect[i] + input_2_offset);
        output[i] = cmopt_finish_s8(product, out_mult, out_shift, out_offset, out_activation_min,
                                    out_activation_max);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
