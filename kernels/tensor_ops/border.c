/* From float to integers and back. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "cmopt_tensor_ops.h"
#include "mve.h"

/* Floats are read and written as bytes, so that a compiler may not assume that an output of
 * integers and an input of floats are in different memory. */
static float float_at(const float *values, size_t i)
{
    float value;
    memcpy(&value, (const unsigned char *)values + i * sizeof value, sizeof value);
    return value;
}

/* Rounds to nearest, halves to even, for |value| < 2^22. */
static float rounded(float value)
{
#if FLT_EVAL_METHOD == 0 && (!defined(__arm__) || defined(__ARM_FP))
    const float ones = 12582912.0f; /* 1.5 * 2^23: the last bit of the sum is worth 1 */
    return (value + ones) - ones;
#else
    return nearbyintf(value);
#endif
}

static int32_t quantized(float value, const cmopt_quantization *to, float inverse)
{
    /* Both limits are integers below 2^17 and therefore exact. Clamping first gives the same. */
    const float low = (float)(to->minimum - to->zero_point);
    const float high = (float)(to->maximum - to->zero_point);
    float step = value * inverse;
    step = isnan(step) ? 0.0f : step;
    step = step < low ? low : step > high ? high : step;
    return (int32_t)rounded(step) + to->zero_point;
}

void cmopt_quantize_s8(const float *input, size_t count, const cmopt_quantization *to,
                       int8_t *output)
{
    const float inverse = 1.0f / to->scale;
    for (size_t i = cmopt_mve_quantize_s8(input, count, to, output); i < count; i++) {
        output[i] = (int8_t)quantized(float_at(input, i), to, inverse);
    }
}

void cmopt_quantize_s16(const float *input, size_t count, const cmopt_quantization *to,
                        int16_t *output)
{
    const float inverse = 1.0f / to->scale;
    for (size_t i = 0; i < count; i++) {
        const int16_t value = (int16_t)quantized(float_at(input, i), to, inverse);
        memcpy((unsigned char *)output + i * sizeof value, &value, sizeof value);
    }
}

void cmopt_dequantize_s8(const int8_t *input, size_t count, const cmopt_quantization *from,
                         float *output)
{
    for (size_t i = cmopt_mve_dequantize_s8(input, count, from, output); i < count; i++) {
        const float value = (float)(input[i] - from->zero_point) * from->scale;
        memcpy((unsigned char *)output + i * sizeof value, &value, sizeof value);
    }
}

void cmopt_dequantize_s16(const int16_t *input, size_t count, const cmopt_quantization *from,
                          float *output)
{
    for (size_t i = 0; i < count; i++) {
        int16_t q;
        memcpy(&q, (const unsigned char *)input + i * sizeof q, sizeof q);
        const float value = (float)(q - from->zero_point) * from->scale;
        memcpy((unsigned char *)output + i * sizeof value, &value, sizeof value);
    }
}
