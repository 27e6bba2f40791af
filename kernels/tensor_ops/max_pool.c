/* Max pooling with any dilation, in both memory orders, with the places of the maxima. */
#include "cmopt_tensor_ops.h"

/* The taps of a window that are inside the input: those from `begin` to before `end`. */
typedef struct {
    int32_t begin, end;
} taps;

static taps taps_of(int32_t origin, int32_t kernel, int32_t dilation, int32_t size)
{
    taps inside = {0, kernel};
    while (inside.begin < kernel && origin + inside.begin * dilation < 0) {
        inside.begin++;
    }
    while (inside.end > inside.begin && origin + (inside.end - 1) * dilation >= size) {
        inside.end--;
    }
    return inside;
}

#define MAX_POOL(name, type)                                                                       \
    static void name##_at(const type *plane, const cmopt_pool *p, int32_t step, int32_t y0,        \
                          int32_t x0, type *value, int64_t *place)                                 \
    {                                                                                              \
        const taps rows = taps_of(y0, p->kernel_h, p->dilation_h, p->h);                           \
        const taps columns = taps_of(x0, p->kernel_w, p->dilation_w, p->w);                        \
        int32_t best = -1;                                                                         \
        for (int32_t i = rows.begin; i < rows.end; i++) {                                          \
            for (int32_t j = columns.begin; j < columns.end; j++) {                                \
                const int32_t at = (y0 + i * p->dilation_h) * p->w + x0 + j * p->dilation_w;       \
                if (best < 0 || plane[at * step] > plane[best * step]) {                           \
                    best = at;                                                                     \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        *value = best < 0 ? 0 : plane[best * step];                                                \
        *place = best < 0 ? 0 : best;                                                              \
    }                                                                                              \
                                                                                                   \
    void name(const type *input, const cmopt_pool *p, type *values, int64_t *places)               \
    {                                                                                              \
        const int32_t step = p->last ? p->channels : 1;                                            \
        const int32_t out_plane = p->out_h * p->out_w;                                             \
        for (int32_t c = 0; c < p->channels; c++) {                                                \
            const type *const plane = input + (p->last ? c : c * p->h * p->w);                     \
            for (int32_t o = 0; o < out_plane; o++) {                                              \
                const int32_t to = p->last ? o * p->channels + c : c * out_plane + o;              \
                name##_at(plane, p, step, o / p->out_w * p->stride_h - p->pad_h,                   \
                          o % p->out_w * p->stride_w - p->pad_w, values + to, places + to);        \
            }                                                                                      \
        }                                                                                          \
    }

MAX_POOL(cmopt_max_pool_s8, int8_t)
MAX_POOL(cmopt_max_pool_s16, int16_t)
