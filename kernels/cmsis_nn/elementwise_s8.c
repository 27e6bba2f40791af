/* Elementwise addition and multiplication of equally long vectors. */
#include "arm_nnfunctions.h"
#include "fixed_point.h"
#include "isa.h"
#ifdef CMOPT_MVE
#include "mve/elementwise.h"
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
