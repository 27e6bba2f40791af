/* Elements picked and written by computed indices, which are checked. */
#include <string.h>

#include "cmopt_tensor_ops.h"

/* The place that an index means among `along`; along if it means none. */
static int32_t place_of(int64_t index, int32_t along)
{
    if (index < 0) {
        index += along;
    }
    return index < 0 || index >= along ? along : (int32_t)index;
}

int cmopt_take(const void *input, const cmopt_axis *axis, const int64_t *index, int32_t count,
               void *output)
{
    const size_t inner = axis->inner_bytes, row = inner * (size_t)axis->along;
    for (int32_t k = 0; k < count; k++) {
        const int32_t from = place_of(index[k], axis->along);
        if (from == axis->along) {
            return -1;
        }
        for (int32_t o = 0; o < axis->outer; o++) {
            memcpy((unsigned char *)output + ((size_t)o * (size_t)count + (size_t)k) * inner,
                   (const unsigned char *)input + (size_t)o * row + (size_t)from * inner, inner);
        }
    }
    return 0;
}

int cmopt_put(const void *values, const cmopt_axis *axis, const int64_t *index, int32_t count,
              void *output)
{
    const size_t inner = axis->inner_bytes, row = inner * (size_t)axis->along;
    for (int32_t k = 0; k < count; k++) {
        const int32_t to = place_of(index[k], axis->along);
        if (to == axis->along) {
            return -1;
        }
        for (int32_t o = 0; o < axis->outer; o++) {
            memcpy((unsigned char *)output + (size_t)o * row + (size_t)to * inner,
                   (const unsigned char *)values + ((size_t)o * (size_t)count + (size_t)k) * inner,
                   inner);
        }
    }
    return 0;
}
