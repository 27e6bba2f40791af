/* From float to integers and back. */
#include <math.h>
#include <string.h>

#include "cmopt_tensor_ops.h"

/* Floats are read and written as bytes, so that a compiler may not assume that an output of
 * integers and an input of floats are in different memory. */
static float float_at(const float *values, size_t i)
{
    float value;
    memcpy(&value, (const unsigned char *)values + i * sizeof value, sizeof value);
    return value;
}

static int32_t quantized(float value, const cmopt_quantization *to, float inverse)
{
    /* Both limits are below 2^17 and therefore exact. */
    const float low = (float)(to->minimum - to->zero_point);
    const float high = (float)(to->maximum - to->zero_point);
    float step = nearbyintf(value * inverse);
    step = isnan(step) ? 0.0f : step;
    step = step < low ? low : step > high ? high : step;
    return (int32_t)step + to->zero_point;
}

void cmopt_quantize_s8(const float *input, size_t count, const cmopt_quantization *to,
                       int8_t *output)
{
    const float inverse = 1.0f / to->scale;
    for (size_t i = 0; i < count; i++) {
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
    for (size_t i = 0; i < count; i++) {
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
