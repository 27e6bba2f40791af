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

/* A call of memcpy takes longer than to copy a few bytes. */
CMOPT_INLINE void cmopt_copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    if (bytes > 32) {
        memcpy(to, from, (size_t)bytes);
        return;
    }
    for (; bytes >= 4; bytes -= 4, to += 4, from += 4) {
        uint32_t word;
        memcpy(&word, from, sizeof word);
        CMOPT_OPAQUE(word); /* or the compiler calls memcpy */
        memcpy(to, &word, sizeof word);
    }
    for (; bytes > 0; bytes--) {
        int32_t byte = *from++;
        CMOPT_OPAQUE(byte);
        *to++ = (int8_t)byte;
    }
}

CMOPT_INLINE void cmopt_set(int8_t *to, int8_t value, int32_t bytes)
{
    memset(to, value, (size_t)bytes);
}

/* `kind` to `whole` are constants, so that each combination is one loop without tests. wide: rows
 * are widened, and filled up with zeros to four columns. So weights of the next channel may be
 * read, except after the last. whole: the number of columns is a multiple of sixteen. */
CMOPT_INLINE void cmopt_matrix_rows_as(const cmopt_matrix *m,
                                       const int8_t *const *x,
                                       int8_t *const *out,
                                       cmopt_kind kind,
                                       bool clamped,
                                       bool wide,
                                       bool whole)
{
    const int32_t n = m->columns;
    const int8_t *w = m->weights;
    const int32_t *by = m->multipliers;
    const int32_t *shift = m->shifts;
    const int32_t *start = m->start;
    const int32_t step = m->step;
    const cmopt_output output = m->output;
    /* Up to three bytes of the next two channels are read. */
    const int32_t filled = whole || n == 1 ? n : (n + 3) & ~3;
    int8_t *out0 = out[0];
    int8_t *out1 = out[1];
    for (int32_t left = m->channels >> 1; left > 0; left--) {
        cmopt_sums_2x2 sums = {start[0], start[1], start[0], start[1]};
        if (wide) {
            cmopt_dot_2x2_wide(x[0], w, w + n, left > 1 ? filled : n, whole, &sums);
        } else {
            cmopt_dot_2x2(x[0], x[1], w, w + n, n, &sums);
        }
        const cmopt_factor first = cmopt_factor_of(by, shift);
        const cmopt_factor second = cmopt_factor_of(by + step, shift + step);
        out0[0] = cmopt_result(sums.s00, first, output, kind, clamped);
        out1[0] = cmopt_result(sums.s10, first, output, kind, clamped);
        out0[1] = cmopt_result(sums.s01, second, output, kind, clamped);
        out1[1] = cmopt_result(sums.s11, second, output, kind, clamped);
        out0 += 2;
        out1 += 2;
        w += 2 * n;
        start += 2;
        by += 2 * step;
        shift += 2 * step;
    }
    if (m->channels & 1) {
        cmopt_sums_2x2 sums = {start[0], 0, start[0], 0};
        if (wide) {
            cmopt_dot_2x2_wide(x[0], w, w, n, whole, &sums);
        } else {
            cmopt_dot_2x2(x[0], x[1], w, w, n, &sums);
        }
        const cmopt_factor factor = cmopt_factor_of(by, shift);
        *out0 = cmopt_result(sums.s00, factor, output, kind, clamped);
        *out1 = cmopt_result(sums.s10, factor, output, kind, clamped);
    }
}

/* Results of two rows in all channels of the block. out[r] is at the block's first channel. */
CMOPT_NOINLINE void cmopt_matrix_rows(const cmopt_matrix *m,
                                      const int8_t *const *x,
                                      int8_t *const *out)
{
    const cmopt_kind kind = m->output.kind;
    const bool whole = (m->columns & 15) == 0;
    if (CMOPT_WIDENS && m->wide) {
        if (kind == CMOPT_UP && !m->output.clamped) {
            if (whole) {
                cmopt_matrix_rows_as(m, x, out, CMOPT_UP, false, true, true);
            } else {
                cmopt_matrix_rows_as(m, x, out, CMOPT_UP, false, true, false);
            }
        } else if (kind == CMOPT_AWAY && !m->output.clamped && whole) {
            cmopt_matrix_rows_as(m, x, out, CMOPT_AWAY, false, true, true);
        } else if (kind != CMOPT_GENERAL) {
            cmopt_matrix_rows_as(m, x, out, CMOPT_AWAY, true, true, false);
        } else {
            cmopt_matrix_rows_as(m, x, out, CMOPT_GENERAL, true, true, false);
        }
    } else if (kind == CMOPT_UP && !m->output.clamped) {
        cmopt_matrix_rows_as(m, x, out, CMOPT_UP, false, false, false);
    } else if (kind != CMOPT_GENERAL) {
        cmopt_matrix_rows_as(m, x, out, CMOPT_AWAY, true, false, false);
    } else {
        cmopt_matrix_rows_as(m, x, out, CMOPT_GENERAL, true, false, false);
    }
}

/* Results of one row, which is not widened. Each value is `x_offset` more. The sums begin with
 * `more` than the block's, which may have no starts. */
CMOPT_INLINE void cmopt_matrix_row_as(const cmopt_matrix *m,
                                      const int8_t *x,
                                      int32_t x_offset,
                                      int32_t more,
                                      int8_t *out,
                                      int32_t step,
                                      cmopt_kind kind,
                                      bool clamped)
{
    const int32_t n = m->columns;
    const int8_t *w = m->weights;
    const int32_t *by = m->multipliers;
    const int32_t *shift = m->shifts;
    static const int32_t none[4] = {0, 0, 0, 0};
    const int32_t *start = m->start != NULL ? m->start : none;
    const int32_t next = m->start != NULL ? 1 : 0;
    const cmopt_output output = m->output;
    int32_t left = m->channels;
    for (; left >= 4; left -= 4, w += 4 * n, out += 4) {
        int32_t sums[4];
        cmopt_dot_1x4(x, x_offset, w, n, sums);
        for (int32_t i = 0; i < 4; i++) {
            sums[i] = cmopt_wrapping_add(sums[i], cmopt_wrapping_add(start[i], more));
        }
        start += 4 * next;
        cmopt_factor factor = cmopt_factor_of(by, shift);
        out[0] = cmopt_result(sums[0], factor, output, kind, clamped);
        if (step == 1) {
            factor = cmopt_factor_of(by + 1, shift + 1);
        }
        out[1] = cmopt_result(sums[1], factor, output, kind, clamped);
        if (step == 1) {
            factor = cmopt_factor_of(by + 2, shift + 2);
        }
        out[2] = cmopt_result(sums[2], factor, output, kind, clamped);
        if (step == 1) {
            factor = cmopt_factor_of(by + 3, shift + 3);
        }
        out[3] = cmopt_result(sums[3], factor, output, kind, clamped);
        by += 4 * step;
        shift += 4 * step;
    }
    for (; left > 0; left--, w += n, by += step, shift += step, start += next) {
        const int32_t first = cmopt_wrapping_add(*start, more);
        const int32_t sum = cmopt_wrapping_add(cmopt_dot_1x1(x, x_offset, w, n), first);
        *out++ = cmopt_result(sum, cmopt_factor_of(by, shift), output, kind, clamped);
    }
}

CMOPT_NOINLINE void cmopt_matrix_row_from(const cmopt_matrix *m,
                                          const int8_t *x,
                                          int32_t x_offset,
                                          int32_t more,
                                          int8_t *out)
{
    if (m->step == 0 && m->output.kind == CMOPT_UP && !m->output.clamped) {
        cmopt_matrix_row_as(m, x, x_offset, more, out, 0, CMOPT_UP, false);
    } else if (m->step == 0 && m->output.kind == CMOPT_AWAY && !m->output.clamped) {
        cmopt_matrix_row_as(m, x, x_offset, more, out, 0, CMOPT_AWAY, false);
    } else if (m->output.kind != CMOPT_GENERAL) {
        cmopt_matrix_row_as(m, x, x_offset, more, out, m->step, CMOPT_AWAY, true);
    } else {
        cmopt_matrix_row_as(m, x, x_offset, more, out, m->step, CMOPT_GENERAL, true);
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
