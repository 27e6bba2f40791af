/* Integers in other steps, with another zero point, of another width. */
#include "cmopt_tensor_ops.h"
#include "wide.h"

static inline int32_t requantized(int32_t value, const cmopt_requantization *to)
{
    const int64_t scaled =
        cmopt_rescale(value - to->input_zero_point, to->multiplier, to->shift) +
        to->output_zero_point;
    return (int32_t)cmopt_clamp_s64(scaled, to->minimum, to->maximum);
}

void cmopt_requantize_s8_s8(const int8_t *input, size_t count, const cmopt_requantization *to,
                            int8_t *output)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = (int8_t)requantized(input[i], to);
    }
}

void cmopt_requantize_s8_s16(const int8_t *input, size_t count, const cmopt_requantization *to,
                             int16_t *output)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = (int16_t)requantized(input[i], to);
    }
}

void cmopt_requantize_s16_s8(const int16_t *input, size_t count, const cmopt_requantization *to,
                             int8_t *output)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = (int8_t)requantized(input[i], to);
    }
}

void cmopt_requantize_s16_s16(const int16_t *input, size_t count, const cmopt_requantization *to,
                              int16_t *output)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = (int16_t)requantized(input[i], to);
    }
}
