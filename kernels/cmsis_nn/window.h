/*
 * Which taps of a sliding window fall inside the input, along one axis.
 */
#ifndef CMOPT_CMSIS_NN_WINDOW_H
#define CMOPT_CMSIS_NN_WINDOW_H

#include <stdint.h>

/* Taps begin..end-1 read the positions origin + tap * dilation, all in [0, size). The window is
 * empty if end <= begin. */
typedef struct {
    int32_t origin;
    int32_t begin;
    int32_t end;
} cmopt_window;

/* The window of output position `index`, for stride, dilation >= 1. */
static inline cmopt_window cmopt_window_at(int32_t index,
                                           int32_t stride,
                                           int32_t padding,
                                           int32_t dilation,
                                           int32_t taps,
                                           int32_t size)
{
    cmopt_window window;
    window.origin = index * stride - padding;
    window.begin = window.origin < 0 ? (-window.origin + dilation - 1) / dilation : 0;
    const int32_t room = size - window.origin;
    const int32_t fitting = room > 0 ? (room + dilation - 1) / dilation : 0;
    window.end = fitting < taps ? fitting : taps;
    return window;
}

#endif /* CMOPT_CMSIS_NN_WINDOW_H */
