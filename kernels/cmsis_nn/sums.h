/*
 * The sums of two rows by two channels, in portable C and with the DSP extension.
 */
#ifndef CMOPT_CMSIS_NN_SUMS_H
#define CMOPT_CMSIS_NN_SUMS_H

#include <stdint.h>

#include "isa.h"

/* Sums of row r and channel c. */
typedef struct {
    int32_t s00;
    int32_t s01;
    int32_t s10;
    int32_t s11;
} cmopt_sums_2x2;

/* Modulo 2^32. */
CMOPT_INLINE int32_t cmopt_add_product(int32_t sum, int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)sum + (uint32_t)(a * b));
}

#endif /* CMOPT_CMSIS_NN_SUMS_H */
