/* Norms of rows: exact sums in 64 bits, a reciprocal root, two products of 32 bits. */
#include "cmopt_tensor_ops.h"
#include "layer_norm.h"

/* 2^46 / sqrt(a) for a >= 2^30, off by less than 2^-28 of itself, by Newton's method. It begins with a
 * line that is off by 9 % at most. */
static int32_t reciprocal_root(uint32_t a)
{
    uint32_t root = 2290091000u - 39u * (a >> 7);
    for (int i = 0; i < 4; i++) {
        const uint32_t square = (uint32_t)(((uint64_t)root * root) >> 31);
        const uint32_t rest = (3u << 30) - (uint32_t)(((uint64_t)square * a) >> 31);
        root = (uint32_t)(((uint64_t)root * rest) >> 31);
    }
    return root > INT32_MAX ? INT32_MAX : (int32_t)root;
}

static int32_t bit_length(uint64_t value)
{
#if defined(__GNUC__) && !defined(CMOPT_PORTABLE)
    return value == 0 ? 0 : 64 - __builtin_clzll(value);
#else
    int32_t bits = 0;
    for (int32_t half = 32; half != 0; half >>= 1) {
        if (value >> half != 0) {
            value >>= half;
            bits += half;
        }
    }
    return bits + (value != 0);
#endif
}

static uint64_t shifted(uint64_t value, int32_t bits)
{
    if (value == 0 || bits <= -64) {
        return 0;
    }
    return bits >= 0 ? value << bits : value >> -bits;
}

/* 1 / sqrt(energy + epsilon) = factor * 2^(exponent - 61). */
typedef struct {
    int32_t factor;
    int32_t exponent;
} reciprocal;

static reciprocal reciprocal_of(uint64_t energy, const cmopt_norm *norm)
{
    const uint64_t epsilon = (uint64_t)norm->epsilon_multiplier;
    const int32_t of_epsilon = bit_length(epsilon) + norm->epsilon_shift;
    int32_t top = bit_length(energy);
    if (epsilon != 0 && (energy == 0 || of_epsilon > top)) {
        top = of_epsilon;
    } else if (energy == 0) {
        return (reciprocal){0, 0};
    }
    /* A sum of 61 or 62 bits, with an even exponent. */
    uint64_t sum = shifted(energy, 61 - top) + shifted(epsilon, 61 - top + norm->epsilon_shift);
    int32_t exponent = top - 61;
    if (exponent % 2 != 0) {
        const bool is_large = sum >> 61 != 0;
        sum = is_large ? sum >> 1 : sum << 1;
        exponent += is_large ? 1 : -1;
    }
    return (reciprocal){reciprocal_root((uint32_t)(sum >> 30)), -exponent / 2};
}

/* The least n for which size <= 4^n. */
static int32_t root_bits(int32_t size)
{
    return (bit_length((uint64_t)size - 1) + 1) / 2;
}

/* How the elements of a row become integers of the output; sum and squares: of the stored values. */
static row_scale scale_of(int32_t sum, int64_t squares, int32_t unit_bits, const cmopt_norm *norm)
{
    const int64_t size = norm->size;
    const int64_t zero = norm->input_zero_point;
    int64_t offset = sum;
    int64_t energy = size * squares - (int64_t)sum * sum;
    if (!norm->centered) {
        offset = size * zero;
        energy = size * (squares - 2 * zero * sum + size * zero * zero);
    }
    const reciprocal found = reciprocal_of((uint64_t)energy, norm);
    int32_t bits = found.exponent - unit_bits;
    bits = bits > 30 ? 30 : bits < -31 ? -31 : bits;
    return (row_scale){(int32_t)offset, bits, found.factor};
}

#define CMOPT_LAYER_NORM(from, to)                                                               \
    void cmopt_layer_norm_##from##_##to(const element_##from *input, int32_t rows,               \
                                        const cmopt_norm *norm, element_##to *output)            \
    {                                                                                            \
        const int32_t unit_bits = root_bits(norm->size);                                         \
        for (int32_t row = 0; row < rows; row++, input += norm->size, output += norm->size) {    \
            int64_t squares = 0;                                                                 \
            const int32_t sum = sums_##from(input, norm->size, &squares);                        \
            const row_scale scale = scale_of(sum, squares, unit_bits, norm);                     \
            scaled_##from##_##to(input, norm, &scale, output);                                   \
        }                                                                                        \
    }

CMOPT_LAYER_NORM(s8, s8)
CMOPT_LAYER_NORM(s8, s16)
CMOPT_LAYER_NORM(s16, s8)
CMOPT_LAYER_NORM(s16, s16)
