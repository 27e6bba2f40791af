/*
 * The loops of a norm over the elements of a row, in plain C and for the vectors of M52, M55 and M85.
 */
#ifndef CMOPT_TENSOR_OPS_LAYER_NORM_H
#define CMOPT_TENSOR_OPS_LAYER_NORM_H

#include "cmopt_tensor_ops.h"
#include "mve.h"

typedef int8_t element_s8;
typedef int16_t element_s16;

/* How an element q of a row is scaled: d = size * q - offset, shifted left by `bits`, or right by
 * -bits, times factor * 2^-32. */
typedef struct {
    int32_t offset;
    int32_t bits;
    int32_t factor;
} row_scale;

#ifdef CMOPT_TENSOR_OPS_MVE

static inline int16x8_t loaded_s8(const int8_t *from, mve_pred16_t lanes)
{
    return vldrbq_z_s16(from, lanes);
}

static inline int16x8_t loaded_s16(const int16_t *from, mve_pred16_t lanes)
{
    return vldrhq_z_s16(from, lanes);
}

/* Returns the sum of a row and gives that of its squares. */
#define CMOPT_SUMS(from)                                                                         \
    static inline int32_t sums_##from(const element_##from *input, int32_t size, int64_t *squares)\
    {                                                                                            \
        int32_t sum = 0;                                                                         \
        int64_t total = 0;                                                                       \
        for (; size > 0; size -= 8, input += 8) {                                                \
            const int16x8_t q = loaded_##from(input, vctp16q((uint32_t)size));                   \
            sum = vaddvaq_s16(sum, q);                                                           \
            total = vmlaldavaq_s16(total, q, q);                                                 \
        }                                                                                        \
        *squares = total;                                                                        \
        return sum;                                                                              \
    }

/* Four elements of a row. */
static inline int32x4_t scaled(int32x4_t q, int32x4_t weight, int32x4_t bias, const cmopt_norm *norm,
                               const row_scale *scale)
{
    const int32x4_t distance = vmlaq_n_s32(vdupq_n_s32(-scale->offset), q, norm->size);
    const int32x4_t factor = vdupq_n_s32(scale->factor);
    const int32x4_t unit = vrmulhq_s32(vshlq_r_s32(distance, scale->bits), factor);
    const int32x4_t sum = vaddq_s32(vrmulhq_s32(unit, weight), bias);
    const int32x4_t value = vshlq_r_s32(sum, -norm->fraction_bits);
    return vminq_s32(vmaxq_s32(value, vdupq_n_s32(norm->minimum)), vdupq_n_s32(norm->maximum));
}

/* Computes a row. load and store: of elements as integers of 32 bits. */
#define CMOPT_SCALED(from, load, to, store)                                                      \
    static inline void scaled_##from##_##to(const element_##from *input, const cmopt_norm *norm, \
                                            const row_scale *scale, element_##to *output)        \
    {                                                                                            \
        const cmopt_norm n = *norm;                                                              \
        const row_scale s = *scale;                                                              \
        int32x4_t weight = vdupq_n_s32(n.weight[0]);                                             \
        int32x4_t bias = vdupq_n_s32(n.bias[0]);                                                 \
        int32_t i = 0;                                                                           \
        for (; i + 4 <= n.size; i += 4) {                                                        \
            if (n.weight_step != 0) {                                                            \
                weight = vldrwq_s32(n.weight + i);                                               \
            }                                                                                    \
            if (n.bias_step != 0) {                                                              \
                bias = vldrwq_s32(n.bias + i);                                                   \
            }                                                                                    \
            store##_s32(output + i, scaled(load##_s32(input + i), weight, bias, &n, &s));        \
        }                                                                                        \
        if (i < n.size) {                                                                        \
            const mve_pred16_t lanes = vctp32q((uint32_t)(n.size - i));                          \
            if (n.weight_step != 0) {                                                            \
                weight = vldrwq_z_s32(n.weight + i, lanes);                                      \
            }                                                                                    \
            if (n.bias_step != 0) {                                                              \
                bias = vldrwq_z_s32(n.bias + i, lanes);                                          \
            }                                                                                    \
            const int32x4_t q = load##_z_s32(input + i, lanes);                                  \
            store##_p_s32(output + i, scaled(q, weight, bias, &n, &s), lanes);                   \
        }                                                                                        \
    }

CMOPT_SCALED(s8, vldrbq, s8, vstrbq)
CMOPT_SCALED(s8, vldrbq, s16, vstrhq)
CMOPT_SCALED(s16, vldrhq, s8, vstrbq)
CMOPT_SCALED(s16, vldrhq, s16, vstrhq)

#else

#define CMOPT_SUMS(from)                                                                         \
    static inline int32_t sums_##from(const element_##from *input, int32_t size,                 \
                                      int64_t *squares)                                          \
    {                                                                                            \
        int32_t sum = 0;                                                                         \
        int64_t total = 0;                                                                       \
        for (int32_t i = 0; i < size; i++) {                                                     \
            sum += input[i];                                                                     \
            total += (int32_t)input[i] * input[i];                                               \
        }                                                                                        \
        *squares = total;                                                                        \
        return sum;                                                                              \
    }

/* The upper half of a product, rounded half up. */
static inline int32_t high_product(int32_t a, int32_t b)
{
    const uint64_t product = (uint64_t)((int64_t)a * b);
    return (int32_t)((uint32_t)(product >> 32) + ((uint32_t)product >> 31));
}

/* Computes a row. A store may not change the copies of the numbers, so that these stay in registers. */
#define CMOPT_SCALED(from, to)                                                                   \
    static inline void scaled_##from##_##to(const element_##from *input, const cmopt_norm *norm, \
                                            const row_scale *scale, element_##to *output)        \
    {                                                                                            \
        const cmopt_norm n = *norm;                                                              \
        const row_scale s = *scale;                                                              \
        const int32_t left = s.bits > 0 ? s.bits : 0;                                            \
        const int32_t right = left - s.bits;                                                     \
        const int32_t *weight = n.weight;                                                        \
        const int32_t *bias = n.bias;                                                            \
        for (int32_t i = 0; i < n.size; i++, weight += n.weight_step, bias += n.bias_step) {     \
            const uint32_t distance = (uint32_t)(n.size * input[i] - s.offset);                  \
            const int32_t unit = high_product((int32_t)(distance << left) >> right, s.factor);   \
            const uint32_t product = (uint32_t)high_product(unit, *weight);                      \
            int32_t value = (int32_t)(product + (uint32_t)*bias) >> n.fraction_bits;             \
            value = value < n.minimum ? n.minimum : value > n.maximum ? n.maximum : value;       \
            output[i] = (element_##to)value;                                                     \
        }                                                                                        \
    }

CMOPT_SCALED(s8, s8)
CMOPT_SCALED(s8, s16)
CMOPT_SCALED(s16, s8)
CMOPT_SCALED(s16, s16)

#endif

CMOPT_SUMS(s8)
CMOPT_SUMS(s16)

#endif /* CMOPT_TENSOR_OPS_LAYER_NORM_H */
