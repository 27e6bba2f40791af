/* Magnitudes of pairs of int16. */
#include "cmopt_tensor_ops.h"
#include "wide.h"

/* floor(sqrt(value)): one bit of the root at a time, from the highest. */
static uint32_t square_root(uint64_t value)
{
    uint64_t root = 0;
    uint64_t bit = (uint64_t)1 << 62;
    while (bit > value) {
        bit >>= 2;
    }
    while (bit != 0) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    return (uint32_t)root;
}

void cmopt_hypot_s16(const int16_t *a, const int16_t *b, size_t count, int32_t multiplier,
                     int32_t shift, int16_t *output)
{
    for (size_t i = 0; i < count; i++) {
        const uint32_t square = (uint32_t)(a[i] * a[i]) + (uint32_t)(b[i] * b[i]);
        const int64_t root = square_root((uint64_t)square << 30);
        const int64_t value = cmopt_rescale(root, multiplier, shift - 15);
        output[i] = (int16_t)cmopt_clamp_s64(value, INT16_MIN, INT16_MAX);
    }
}
