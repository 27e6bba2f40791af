/* Tables of int16 functions. */
#include "cmopt_tensor_ops.h"
#include "wide.h"

void cmopt_lookup_s16(const int16_t *input, size_t count, const int16_t *table, int16_t *output)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = cmopt_interpolate(table, input[i]);
    }
}

void cmopt_lookup_octaves_s16(const int16_t *input, size_t count, const int16_t *table,
                              int16_t *output)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = cmopt_interpolate_octaves(table, input[i]);
    }
}
