/* The largest or smallest element along the middle one of three dimensions. */
#include "cmopt_tensor_ops.h"

#define EXTREMUM(name, type)                                                                       \
    void name(const type *input, int32_t outer, int32_t along, int32_t inner, bool largest,        \
              type *values, int64_t *places)                                                       \
    {                                                                                              \
        for (int32_t o = 0; o < outer; o++) {                                                      \
            for (int32_t i = 0; i < inner; i++) {                                                  \
                const type *const x = input + o * along * inner + i;                               \
                int32_t best = 0;                                                                  \
                for (int32_t k = 1; k < along; k++) {                                              \
                    const type a = x[k * inner], b = x[best * inner];                              \
                    if (largest ? a > b : a < b) {                                                 \
                        best = k;                                                                  \
                    }                                                                              \
                }                                                                                  \
                if (values != NULL) {                                                              \
                    values[o * inner + i] = x[best * inner];                                       \
                }                                                                                  \
                if (places != NULL) {                                                              \
                    places[o * inner + i] = best;                                                  \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

EXTREMUM(cmopt_extremum_s8, int8_t)
EXTREMUM(cmopt_extremum_s16, int16_t)
