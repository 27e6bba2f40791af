/* Division of integers in float. */
#include <math.h>

#include "cmopt_tensor_ops.h"

static int32_t divided(int32_t a, int32_t b, const cmopt_division *division, float low, float high)
{
    const float numerator = (float)(a - division->a_zero_point);
    const float denominator = (float)(b - division->b_zero_point);
    const float quotient = denominator != 0.0f ? numerator / denominator : 0.0f;
    const float q = roundf(quotient * division->scale) + (float)division->output_zero_point;
    return (int32_t)(q < low ? low : q > high ? high : q);
}

void cmopt_divide_s8(const int8_t *a, const int8_t *b, size_t count,
                     const cmopt_division *division, int8_t *output)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = (int8_t)divided(a[i], b[i], division, INT8_MIN, INT8_MAX);
    }
}

void cmopt_divide_s16(const int16_t *a, const int16_t *b, size_t count,
                      const cmopt_division *division, int16_t *output)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = (int16_t)divided(a[i], b[i], division, INT16_MIN, INT16_MAX);
    }
}
