/*
 * What the int16 operators share: factors, and tables with interpolation.
 */
#ifndef CMOPT_TENSOR_OPS_WIDE_H
#define CMOPT_TENSOR_OPS_WIDE_H

#include <stdint.h>

/* value * multiplier * 2^(shift - 31), rounded once, half up. shift <= 30. */
static inline int64_t cmopt_rescale(int64_t value, int32_t multiplier, int32_t shift)
{
    const int32_t bits = 31 - shift;
    return (value * multiplier + ((int64_t)1 << (bits - 1))) >> bits;
}

static inline int64_t cmopt_clamp_s64(int64_t value, int64_t low, int64_t high)
{
    if (value < low) {
        value = low;
    }
    return value > high ? high : value;
}

/* Between two entries: `fraction` of 2^bits behind the first, rounded half up. */
static inline int16_t cmopt_between(const int16_t *entry, int32_t fraction, int32_t bits)
{
    if (bits == 0 || fraction == 0) {
        return entry[0];
    }
    const int32_t slope = (int32_t)entry[1] - entry[0];
    return (int16_t)(entry[0] + ((slope * fraction + ((int32_t)1 << (bits - 1))) >> bits));
}

/* The result at an int16 value, of a table of 513 entries, one for each 128 steps. */
static inline int16_t cmopt_interpolate(const int16_t *table, int32_t value)
{
    const int32_t place = value + 32768;
    return cmopt_between(table + (place >> 7), place & 127, 7);
}

/* The same of a table with 64 entries for each octave: 641 from 0 up, then 641 from 0 down. */
static inline int16_t cmopt_interpolate_octaves(const int16_t *table, int32_t value)
{
    uint32_t magnitude = (uint32_t)value;
    if (value < 0) {
        magnitude = (uint32_t)-value;
        table += 641;
    }
    int32_t octave = 0;
    while (magnitude >> octave >= 128) {
        octave++;
    }
    const uint32_t index = (magnitude >> octave) + ((uint32_t)octave << 6);
    return cmopt_between(table + index, (int32_t)(magnitude & (((uint32_t)1 << octave) - 1u)),
                         octave);
}

#endif /* CMOPT_TENSOR_OPS_WIDE_H */
