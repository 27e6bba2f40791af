/*
 * The operators of cmopt's programs that CMSIS-NN does not have: border conversions, division,
 * tables, and copies. Plain C99; the only library functions are memcpy, memmove and those of math.h.
 *
 * Elements are computed in ascending order. An output may begin at the same byte as an input, unless
 * a function says otherwise. No pointer needs an alignment, except where its type says so.
 */
#ifndef CMOPT_TENSOR_OPS_H
#define CMOPT_TENSOR_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How real numbers become integers: q = clamp(round(x / scale) + zero_point, minimum, maximum).
 * scale > 0. For int8, all integers are in -128..127; for int16, in -32768..32767. */
typedef struct {
    float scale;
    int32_t zero_point;
    int32_t minimum;
    int32_t maximum;
} cmopt_quantization;

/* The quotient x * (1 / scale) is computed in float and rounded to nearest, halves to even.
 * Infinities and large values saturate. NaN gives the zero point. */
void cmopt_quantize_s8(const float *input, size_t count, const cmopt_quantization *to,
                       int8_t *output);
void cmopt_quantize_s16(const float *input, size_t count, const cmopt_quantization *to,
                        int16_t *output);

/* x = (q - zero_point) * scale, in float. The input may be in the last bytes of the output. */
void cmopt_dequantize_s8(const int8_t *input, size_t count, const cmopt_quantization *from,
                         float *output);
void cmopt_dequantize_s16(const int16_t *input, size_t count, const cmopt_quantization *from,
                          float *output);

/* round((a - a_zero_point) / (b - b_zero_point) * scale) + output_zero_point, in float, halves away
 * from zero, saturated. A divisor of 0 gives a quotient of 0. */
typedef struct {
    int32_t a_zero_point;
    int32_t b_zero_point;
    int32_t output_zero_point;
    float scale;
} cmopt_division;

void cmopt_divide_s8(const int8_t *a, const int8_t *b, size_t count,
                     const cmopt_division *division, int8_t *output);
void cmopt_divide_s16(const int16_t *a, const int16_t *b, size_t count,
                      const cmopt_division *division, int16_t *output);

/* output[i] = table[input[i] + 128]; the table has 256 entries. */
void cmopt_lookup_s8(const int8_t *input, size_t count, const int8_t *table, int8_t *output);

/* The same for int16, with interpolation between the entries, rounded half up. The first table has
 * 513 entries, one for each 128 steps. The second has one for each step up to 64 and then 64 for each
 * octave: 641 from 0 up, and 641 from 0 down. */
void cmopt_lookup_s16(const int16_t *input, size_t count, const int16_t *table, int16_t *output);
void cmopt_lookup_octaves_s16(const int16_t *input, size_t count, const int16_t *table,
                              int16_t *output);

/* (q - input_zero_point) * multiplier * 2^(shift - 31), rounded once, half up, then plus the output's
 * zero point and clamped. multiplier >= 0; shift in -31..16. Input and output do not overlap if their
 * widths differ. */
typedef struct {
    int32_t input_zero_point;
    int32_t multiplier;
    int32_t shift;
    int32_t output_zero_point;
    int32_t minimum;
    int32_t maximum;
} cmopt_requantization;

void cmopt_requantize_s8_s8(const int8_t *input, size_t count, const cmopt_requantization *to,
                            int8_t *output);
void cmopt_requantize_s8_s16(const int8_t *input, size_t count, const cmopt_requantization *to,
                             int16_t *output);
void cmopt_requantize_s16_s8(const int16_t *input, size_t count, const cmopt_requantization *to,
                             int8_t *output);
void cmopt_requantize_s16_s16(const int16_t *input, size_t count, const cmopt_requantization *to,
                              int16_t *output);

/* Each row of `size` elements, divided by the root of its mean square, times weight, plus bias. Of the
 * N = size stored values q of a row:
 *
 *     d = N q - sum(q),         energy = N sum(q^2) - sum(q)^2      if centered
 *     d = N (q - zero point),   energy = N sum((q - zero point)^2)  else
 *     u = d / sqrt(energy + epsilon) * 2^(29 - n)
 *     output = (u * weight * 2^-32 + bias) * 2^-fraction_bits, rounded down and clamped
 *
 * with epsilon = epsilon_multiplier * 2^epsilon_shift, and the least n for which sqrt(N) <= 2^n. The
 * sums are exact. u and its product with the weight are rounded to integers; 1 / sqrt is right to
 * 2^-28. The bias has the output's zero point and half a step in it.
 *
 * size is 1 to 2^23 for an input of int8, 1 to 2^15 for int16; epsilon_multiplier >= 0; epsilon_shift
 * in -96..96; fraction_bits in 1..24. The weight has an entry for each element of a row, or one if its
 * step is 0, and so has the bias; its entries are at most 2^30 in magnitude. */
typedef struct {
    int32_t size;
    bool centered;
    int32_t input_zero_point;
    int32_t epsilon_multiplier;
    int32_t epsilon_shift;
    const int32_t *weight;
    int32_t weight_step;
    const int32_t *bias;
    int32_t bias_step;
    int32_t fraction_bits;
    int32_t minimum;
    int32_t maximum;
} cmopt_norm;

void cmopt_layer_norm_s8_s8(const int8_t *input, int32_t rows, const cmopt_norm *norm,
                            int8_t *output);
void cmopt_layer_norm_s16_s8(const int16_t *input, int32_t rows, const cmopt_norm *norm,
                             int8_t *output);
void cmopt_layer_norm_s16_s16(const int16_t *input, int32_t rows, const cmopt_norm *norm,
                              int16_t *output);

/* Input and output do not overlap. */
void cmopt_layer_norm_s8_s16(const int8_t *input, int32_t rows, const cmopt_norm *norm,
                             int16_t *output);

/* Softmax of rows of `size` elements, in steps of 1/32768. table: 513 entries of the exponential, at
 * (distance from the row's maximum) * multiplier * 2^(shift - 31) + 32767; its last one is 32767. */
void cmopt_softmax_s16(const int16_t *input, int32_t rows, int32_t size, const int16_t *table,
                       int32_t multiplier, int32_t shift, int16_t *output);

/* sqrt(a^2 + b^2) * multiplier * 2^(shift - 31). The root has 15 bits behind the point; the product is
 * rounded once, half up, and saturated. shift in -16..15. */
void cmopt_hypot_s16(const int16_t *a, const int16_t *b, size_t count, int32_t multiplier,
                     int32_t shift, int16_t *output);

/* A convolution of [images, input_h, input_w, input_c] with filters
 * [output_c, kernel_h, kernel_w, input_c]. padding: above and on the left. */
typedef struct {
    int32_t images, input_h, input_w, input_c;
    int32_t kernel_h, kernel_w;
    int32_t output_h, output_w, output_c;
    int32_t stride_h, stride_w;
    int32_t padding_h, padding_w;
    int32_t dilation_h, dilation_w;
    int32_t minimum, maximum;
} cmopt_convolution_s16;

/* Sums of 64 bits, with a bias, times the upper 16 bits of a multiplier for each output channel, as
 * CMSIS-NN does it for weights of int8; shifts are 14 at most. */
void cmopt_convolve_s16_s16(const int16_t *input, const int16_t *filter, const int64_t *bias,
                            const int32_t *multipliers, const int32_t *shifts,
                            const cmopt_convolution_s16 *convolution, int16_t *output);

enum { CMOPT_COPY_RANK = 5 };

/* Copies runs of `run` bytes. Loop i makes `count[i]` steps, of `in_step[i]` bytes in the input and
 * `out_step[i]` bytes in the output; the last loop is innermost. Input and output do not overlap. */
typedef struct {
    size_t run;
    int32_t count[CMOPT_COPY_RANK];
    ptrdiff_t in_step[CMOPT_COPY_RANK];
    ptrdiff_t out_step[CMOPT_COPY_RANK];
} cmopt_copy_plan;

void cmopt_copy(const void *input, const cmopt_copy_plan *plan, void *output);

/* output[i] = *value, elements of `bytes` bytes. */
void cmopt_fill(const void *value, size_t count, size_t bytes, void *output);

/* output[i] = input[index[i]], elements of `bytes` bytes. Input and output do not overlap. */
void cmopt_gather_u16(const void *input, const uint16_t *index, size_t count, size_t bytes,
                      void *output);
void cmopt_gather_s32(const void *input, const int32_t *index, size_t count, size_t bytes,
                      void *output);

/* output[to[i]] = input[from[i]], elements of `bytes` bytes. Input and output do not overlap. */
void cmopt_move_u16(const void *input, const uint16_t *from, const uint16_t *to, size_t count,
                    size_t bytes, void *output);
void cmopt_move_s32(const void *input, const int32_t *from, const int32_t *to, size_t count,
                    size_t bytes, void *output);

/* The dimension that indices are for: an array is [outer, along, inner], inner in bytes. */
typedef struct {
    int32_t outer;
    int32_t along;
    size_t inner_bytes;
} cmopt_axis;

/* output[:, k] = input[:, index[k]]; the output is [outer, count, inner]. A negative index counts
 * from the end. Returns -1 if an index is outside; then the output is not complete. */
int cmopt_take(const void *input, const cmopt_axis *axis, const int64_t *index, int32_t count,
               void *output);

/* output[:, index[k]] = values[:, k], in order, for values of [outer, count, inner]. Returns as
 * cmopt_take. */
int cmopt_put(const void *values, const cmopt_axis *axis, const int64_t *index, int32_t count,
              void *output);

/* Max pooling of [channels, h, w] or, with `last` true, of [h, w, channels], and the place h * W + w
 * of each maximum in its plane; of equal ones, the first. What pads does not count. */
typedef struct {
    int32_t h, w, channels;
    int32_t out_h, out_w;
    int32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
    bool last;
} cmopt_pool;

void cmopt_max_pool_s8(const int8_t *input, const cmopt_pool *pool, int8_t *values,
                       int64_t *places);
void cmopt_max_pool_s16(const int16_t *input, const cmopt_pool *pool, int16_t *values,
                        int64_t *places);

/* The largest (or smallest) element along the middle dimension of [outer, along, inner], and its
 * place there; of equal ones, the first. `values` or `places` may be NULL. along > 0. */
void cmopt_extremum_s8(const int8_t *input, int32_t outer, int32_t along, int32_t inner,
                       bool largest, int8_t *values, int64_t *places);
void cmopt_extremum_s16(const int16_t *input, int32_t outer, int32_t along, int32_t inner,
                        bool largest, int16_t *values, int64_t *places);

#ifdef __cplusplus
}
#endif

#endif /* CMOPT_TENSOR_OPS_H */
