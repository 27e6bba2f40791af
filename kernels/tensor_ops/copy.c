/* Movement of bytes. */
#include <string.h>

#include "cmopt_tensor_ops.h"

/* A call of memcpy for one element would cost more than the copy. */
static void copy_run(unsigned char *output, const unsigned char *input, size_t run)
{
    switch (run) {
    case 1:
        *output = *input;
        break;
    case 4:
        memcpy(output, input, 4);
        break;
    default:
        memcpy(output, input, run);
        break;
    }
}

void cmopt_copy(const void *input, const cmopt_copy_plan *plan, void *output)
{
    const int32_t *const n = plan->count;
    const ptrdiff_t *const in = plan->in_step, *const out = plan->out_step;
    for (int32_t a = 0; a < n[0]; a++) {
        for (int32_t b = 0; b < n[1]; b++) {
            for (int32_t c = 0; c < n[2]; c++) {
                for (int32_t d = 0; d < n[3]; d++) {
                    const unsigned char *from = (const unsigned char *)input + a * in[0] +
                                                b * in[1] + c * in[2] + d * in[3];
                    unsigned char *to = (unsigned char *)output + a * out[0] + b * out[1] +
                                        c * out[2] + d * out[3];
                    for (int32_t e = 0; e < n[4]; e++) {
                        copy_run(to + e * out[4], from + e * in[4], plan->run);
                    }
                }
            }
        }
    }
}

void cmopt_fill(const void *value, size_t count, size_t bytes, void *output)
{
    for (size_t i = 0; i < count; i++) {
        copy_run((unsigned char *)output + i * bytes, value, bytes);
    }
}

void cmopt_gather_u16(const void *input, const uint16_t *index, size_t count, size_t bytes,
                      void *output)
{
    for (size_t i = 0; i < count; i++) {
        copy_run((unsigned char *)output + i * bytes,
                 (const unsigned char *)input + index[i] * bytes, bytes);
    }
}

void cmopt_gather_s32(const void *input, const int32_t *index, size_t count, size_t bytes,
                      void *output)
{
    for (size_t i = 0; i < count; i++) {
        copy_run((unsigned char *)output + i * bytes,
                 (const unsigned char *)input + (size_t)index[i] * bytes, bytes);
    }
}

void cmopt_move_u16(const void *input, const uint16_t *from, const uint16_t *to, size_t count,
                    size_t bytes, void *output)
{
    for (size_t i = 0; i < count; i++) {
        copy_run((unsigned char *)output + to[i] * bytes,
                 (const unsigned char *)input + from[i] * bytes, bytes);
    }
}

void cmopt_move_s32(const void *input, const int32_t *from, const int32_t *to, size_t count,
                    size_t bytes, void *output)
{
    for (size_t i = 0; i < count; i++) {
        copy_run((unsigned char *)output + (size_t)to[i] * bytes,
                 (const unsigned char *)input + (size_t)from[i] * bytes, bytes);
    }
}
