/* Softmax of int16: exponentials from a table, shares by a reciprocal of 64 bits. */
#include "cmopt_tensor_ops.h"
#include "wide.h"

static void softmax_row(const int16_t *input, int32_t size, const int16_t *table,
                        int32_t multiplier, int32_t shift, int16_t *output)
{
    int32_t largest = input[0];
    for (int32_t i = 1; i < size; i++) {
        largest = input[i] > largest ? input[i] : largest;
    }
    uint32_t sum = 0;
    for (int32_t i = 0; i < size; i++) {
        const int64_t at = cmopt_rescale(input[i] - largest, multiplier, shift) + INT16_MAX;
        const int32_t power = cmopt_interpolate(table, at < INT16_MIN ? INT16_MIN : (int32_t)at);
        output[i] = (int16_t)power;
        sum = sum + (uint32_t)power;
    }
    const uint64_t reciprocal = sum != 0 ? ((uint64_t)1 << 46) / sum : 0;
    for (int32_t i = 0; i < size; i++) {
        const uint64_t power = (uint64_t)output[i];
        const uint64_t share = (power * reciprocal + ((uint64_t)1 << 30)) >> 31;
        output[i] = (int16_t)(share > INT16_MAX ? INT16_MAX : share);
    }
}

void cmopt_softmax_s16(const int16_t *input, int32_t rows, int32_t size, const int16_t *table,
                       int32_t multiplier, int32_t shift, int16_t *output)
{
    for (int32_t row = 0; row < rows; row++, input += size, output += size) {
        softmax_row(input, size, table, multiplier, shift, output);
    }
}
