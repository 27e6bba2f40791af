/*
 * The loops over vectors of M52, M55 and M85. Each returns how many elements it has computed, with
 * the bytes that the portable loop gives; that loop does the rest. 0 on other cores.
 */
#ifndef CMOPT_TENSOR_OPS_MVE_H
#define CMOPT_TENSOR_OPS_MVE_H

#include "cmopt_tensor_ops.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) && !defined(CMOPT_PORTABLE)
#include <arm_mve.h>
#define CMOPT_TENSOR_OPS_MVE 1
#endif

#if defined(CMOPT_TENSOR_OPS_MVE) && (__ARM_FEATURE_MVE & 2)
#define CMOPT_TENSOR_OPS_MVE_FLOAT 1
#endif

static inline size_t cmopt_mve_quantize_s8(const float *input, size_t count,
                                           const cmopt_quantization *to, int8_t *output)
{
    size_t i = 0;
#ifdef CMOPT_TENSOR_OPS_MVE_FLOAT
    /* Vectors take subnormal floats as 0. With a larger scale these are less than half a step. */
    if (to->scale < 1e-30f) {
        return 0;
    }
    const float inverse = 1.0f / to->scale;
    const float32x4_t low = vdupq_n_f32((float)(to->minimum - to->zero_point));
    const float32x4_t high = vdupq_n_f32((float)(to->maximum - to->zero_point));
    for (; i + 4 <= count; i += 4) {
        /* As bytes: an output of integers may be in the memory of the floats. */
        const float32x4_t value =
            vreinterpretq_f32_u8(vldrbq_u8((const uint8_t *)(const void *)input + 4 * i));
        float32x4_t step = vmulq_n_f32(value, inverse);
        step = vpselq_f32(step, vdupq_n_f32(0.0f), vcmpeqq_f32(step, step));
        step = vminnmq_f32(vmaxnmq_f32(step, low), high);
        const int32x4_t q = vaddq_n_s32(vcvtnq_s32_f32(step), to->zero_point);
        vstrbq_s32(output + i, q);
    }
#else
    (void)input;
    (void)count;
    (void)to;
    (void)output;
#endif
    return i;
}

static inline size_t cmopt_mve_dequantize_s8(const int8_t *input, size_t count,
                                             const cmopt_quantization *from, float *output)
{
    size_t i = 0;
#ifdef CMOPT_TENSOR_OPS_MVE_FLOAT
    if (from->scale < 1e-30f) { /* a product may be subnormal */
        return 0;
    }
    for (; i + 4 <= count; i += 4) {
        const int32x4_t q = vsubq_n_s32(vldrbq_s32(input + i), from->zero_point);
        const float32x4_t value = vmulq_n_f32(vcvtq_f32_s32(q), from->scale);
        vstrbq_u8((uint8_t *)(void *)output + 4 * i, vreinterpretq_u8_f32(value));
    }
#else
    (void)input;
    (void)count;
    (void)from;
    (void)output;
#endif
    return i;
}

static inline size_t cmopt_mve_lookup_s8(const int8_t *input, size_t count, const int8_t *table,
                                         int8_t *output)
{
    size_t i = 0;
#ifdef CMOPT_TENSOR_OPS_MVE
    const uint8x16_t sign = vdupq_n_u8(0x80);
    for (; i + 16 <= count; i += 16) {
        const uint8x16_t place = veorq_u8(vreinterpretq_u8_s8(vldrbq_s8(input + i)), sign);
        vstrbq_s8(output + i, vldrbq_gather_offset_s8(table, place));
    }
#else
    (void)input;
    (void)count;
    (void)table;
    (void)output;
#endif
    return i;
}

/* start + sum over i of a[i] * b[i], in 64 bits, of all elements. */
static inline int64_t cmopt_dot_s16_s16(int64_t start, const int16_t *a, const int16_t *b,
                                        int32_t count)
{
#ifdef CMOPT_TENSOR_OPS_MVE
    for (; count > 0; count -= 8, a += 8, b += 8) {
        const mve_pred16_t lanes = vctp16q((uint32_t)count);
        start = vmlaldavaq_p_s16(start, vldrhq_z_s16(a, lanes), vldrhq_z_s16(b, lanes), lanes);
    }
#else
    for (int32_t i = 0; i < count; i++) {
        start += (int32_t)a[i] * b[i];
    }
#endif
    return start;
}

#endif /* CMOPT_TENSOR_OPS_MVE_H */
