/*
 * Products of int8 rows with a weight matrix: two rows by two channels share their loads. This is
 * the form of portable C and of the DSP extension, whose products are in dsp/dot.h.
 */
#ifndef CMOPT_CMSIS_NN_MATRIX_H
#define CMOPT_CMSIS_NN_MATRIX_H

#include <string.h>

#include "output.h"
#ifdef CMOPT_DSP
#include "dsp/dot.h"
#else
#include "dot.h"
#endif

enum {
    CMOPT_MATRIX_ROWS = 2,
    CMOPT_MATRIX_CHANNELS = 64 /* the most of one block: its starts are on the stack */
};

/* A block of channels. A sum begins with the channel's start. */
typedef struct {
    const int8_t *weights; /* [channels][columns] */
    int32_t columns;
    int32_t channels;
    const int32_t *start;
    const int32_t *multipliers; /* of each channel, or one for all */
    const int32_t *shifts;
    int32_t step; /* from a channel's multiplier to the next: 1 or 0 */
    bool wide;    /* two rows are interleaved and widened, see dsp/dot.h */
    cmopt_output output;
} cmopt_matrix;

/* Sets the output of a call with `count` channels. False if it is not computed. */
static inline bool cmopt_matrix_output(cmopt_matrix *m,
                                       const int32_t *multipliers,
                                       const int32_t *shifts,
                                       int32_t count,
                                       int32_t offset,
                                       cmsis_nn_activation activation)
{
    m->output = cmopt_output_of(multipliers, shifts, count, offset, activation);
    return true;
}

/* After the channels are set. */
static inline void cmopt_matrix_begin(const cmopt_matrix *m)
{
    (void)m;
}

CMOPT_INLINE void cmopt_copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    memcpy(to, from, (size_t)bytes);
}

CMOPT_INLINE void cmopt_set(int8_t *to, int8_t value, int32_t bytes)
{
    memset(to, value, (size_t)bytes);
}

/* `kind`, `clamped` and `wide` are constants, so that each combination is one loop without tests. */
CMOPT_INLINE void cmopt_matrix_rows_as(const cmopt_matrix *m,
                                       const int8_t *const *x,
                                       int8_t *const *out,
                                       cmopt_kind kind,
                                       bool clamped,
                                       bool wide)
{
    const int32_t n = m->columns;
    const int8_t *w = m->weights;
    const int32_t *by = m->multipliers;
    const int32_t *shift = m->shifts;
    const int32_t *start = m->start;
    int8_t *out0 = out[0];
    int8_t *out1 = out[1];
    for (int32_t left = m->channels; left > 0; left -= 2, w += 2 * n) {
        const bool two = left > 1;
        const int32_t second = two ? start[1] : 0;
        cmopt_sums_2x2 sums = {start[0], second, start[0], second};
        if (wide) {
            cmopt_dot_2x2_wide(x[0], w, two ? w + n : w, n, &sums);
        } else {
            cmopt_dot_2x2(x[0], x[1], w, two ? w + n : w, n, &sums);
        }
        *out0++ = cmopt_result(sums.s00, by[0], shift[0], &m->output, kind, clamped);
        *out1++ = cmopt_result(sums.s10, by[0], shift[0], &m->output, kind, clamped);
        by += m->step;
        shift += m->step;
        start += 2;
        if (two) {
            *out0++ = cmopt_result(sums.s01, by[0], shift[0], &m->output, kind, clamped);
            *out1++ = cmopt_result(sums.s11, by[0], shift[0], &m->output, kind, clamped);
            by += m->step;
            shift += m->step;
        }
    }
}

/* Results of two rows in all channels of the block. out[r] is at the block's first channel. */
static inline void cmopt_matrix_rows(const cmopt_matrix *m,
                                     const int8_t *const *x,
                                     int8_t *const *out)
{
    if (CMOPT_WIDENS && m->wide) {
        if (m->output.kind == CMOPT_UP && !m->output.clamped) {
            cmopt_matrix_rows_as(m, x, out, CMOPT_UP, false, true);
        } else if (m->output.kind == CMOPT_AWAY && !m->output.clamped) {
            cmopt_matrix_rows_as(m, x, out, CMOPT_AWAY, false, true);
        } else {
            cmopt_matrix_rows_as(m, x, out, m->output.kind, true, true);
        }
    } else if (m->output.kind == CMOPT_UP && !m->output.clamped) {
        cmopt_matrix_rows_as(m, x, out, CMOPT_UP, false, false);
    } else {
        cmopt_matrix_rows_as(m, x, out, m->output.kind, true, false);
    }
}

/* Results of one row, which is not widened. Each value is `x_offset` more. The sums begin with `more`
 * than the block's, which may have no starts. */
CMOPT_INLINE void cmopt_matrix_row_as(const cmopt_matrix *m,
                                      const int8_t *x,
                                      int32_t x_offset,
                                      int32_t more,
                                      int8_t *out,
                                      cmopt_kind kind,
                                      bool clamped)
{
    const int32_t n = m->columns;
    const int8_t *w = m->weights;
    const int32_t *by = m->multipliers;
    const int32_t *shift = m->shifts;
    int32_t sums[4];
    int32_t count = 4;
    for (int32_t c = 0; c < m->channels; c += count) {
        if (m->channels - c >= 4) {
            cmopt_dot_1x4(x, x_offset, w, n, sums);
        } else {
            sums[0] = cmopt_dot_1x1(x, x_offset, w, n);
            count = 1;
        }
        w += count * n;
        for (int32_t i = 0; i < count; i++, by += m->step, shift += m->step) {
            const int32_t start = m->start != NULL ? m->start[c + i] : 0;
            const int32_t sum = cmopt_wrapping_add(sums[i], cmopt_wrapping_add(start, more));
            *out++ = cmopt_result(sum, *by, *shift, &m->output, kind, clamped);
        }
    }
}

static inline void cmopt_matrix_row_from(const cmopt_matrix *m,
                                         const int8_t *x,
                                         int32_t x_offset,
                                         int32_t more,
                                         int8_t *out)
{
    if (m->output.kind == CMOPT_UP && !m->output.clamped) {
        cmopt_matrix_row_as(m, x, x_offset, more, out, CMOPT_UP, false);
    } else {
        cmopt_matrix_row_as(m, x, x_offset, more, out, m->output.kind, true);
    }
}

static inline void cmopt_matrix_row(const cmopt_matrix *m,
                                    const int8_t *x,
                                    int32_t more,
                                    int8_t *out)
{
    cmopt_matrix_row_from(m, x, 0, more, out);
}

#endif /* CMOPT_CMSIS_NN_MATRIX_H */
