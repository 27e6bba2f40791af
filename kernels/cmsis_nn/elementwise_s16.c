/* Elementwise sum and product of int16. */
#include "arm_nnfunctions.h"
#include "fixed_point.h"

arm_cmsis_nn_status arm_elementwise_add_s16(const int16_t *input_1_vect,
                                            const int16_t *input_2_vect,
                                            const int32_t input_1_offset,
                                            const int32_t input_1_mult,
                                            const int32_t input_1_shift,
                                            const int32_t input_2_offset,
                                            const int32_t input_2_mult,
                                            const int32_t input_2_shift,
                                            const int32_t left_shift,
                                            int16_t *output,
                                            const int32_t out_offset,
                                            const int32_t out_mult,
                                            const int32_t out_shift,
                                            const int32_t out_activation_min,
                                            const int32_t out_activation_max,
                                            const int32_t block_size)
{
    (void)input_1_offset;
    (void)input_2_offset;
    (void)out_offset;
    for (int32_t i = 0; i < block_size; i++) {
        const int32_t a = cmopt_wrapping_shift_left(input_1_vect[i], left_shift);
        const int32_t b = cmopt_wrapping_shift_left(input_2_vect[i], left_shift);
        const int32_t sum = cmopt_wrapping_add(cmopt_requantize(a, input_1_mult, input_1_shift),
                                               cmopt_requantize(b, input_2_mult, input_2_shift));
        const int32_t value = cmopt_requantize(sum, out_mult, out_shift);
        output[i] = (int16_t)cmopt_clamp(value, out_activation_min, out_activation_max);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_elementwise_mul_s16(const int16_t *input_1_vect,
                                            const int16_t *input_2_vect,
                                            const int32_t input_1_offset,
                                            const int32_t input_2_offset,
                                            int16_t *output,
                                            const int32_t out_offset,
                                            const int32_t out_mult,
                                            const int32_t out_shift,
                                            const int32_t out_activation_min,
                                            const int32_t out_activation_max,
                                            const int32_t block_size)
{
    (void)input_1_offset;
    (void)input_2_offset;
    (void)out_offset;
    for (int32_t i = 0; i < block_size; i++) {
        const int32_t product = (int32_t)input_1_vect[i] * input_2_vect[i];
        const int32_t value = cmopt_requantize(product, out_mult, out_shift);
        output[i] = (int16_t)cmopt_clamp(value, out_activation_min, out_activation_max);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
