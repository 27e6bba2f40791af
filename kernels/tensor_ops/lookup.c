/* Tables of 256 entries. */
#include "cmopt_tensor_ops.h"
#include "mve.h"

void cmopt_lookup_s8(const int8_t *input, size_t count, const int8_t *table, int8_t *output)
{
    const int8_t *const middle = table + 128;
    for (size_t i = cmopt_mve_lookup_s8(input, count, table, output); i < count; i++) {
        output[i] = middle[input[i]];
    }
}
