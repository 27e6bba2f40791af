/*
 * Moves of bytes with a step, on vectors.
 */
#ifndef CMOPT_CMSIS_NN_MVE_MOVE_H
#define CMOPT_CMSIS_NN_MVE_MOVE_H

#include <arm_mve.h>
#include <stdbool.h>

enum {
    CMOPT_NEAR_STEP = 255 / 15,   /* sixteen bytes are within a byte's range */
    CMOPT_FAR_STEP = 65535 / 7    /* eight bytes are within 16 bits' range */
};

/* to[i] = from[i * step], or to[i * step] = from[i], for step of 1 to CMOPT_FAR_STEP. */
static inline void cmopt_mve_move(int8_t *to,
                                  const int8_t *from,
                                  int32_t step,
                                  bool scatter,
                                  int32_t count)
{
    if (step <= CMOPT_NEAR_STEP) {
        const uint8x16_t places = vmulq_n_u8(vidupq_n_u8(0, 1), (uint8_t)step);
        for (; count > 0; count -= 16) {
            const mve_pred16_t lanes = vctp8q((uint32_t)count);
            if (scatter) {
                vstrbq_scatter_offset_p_s8(to, places, vldrbq_z_s8(from, lanes), lanes);
                from += 16;
                to += 16 * step;
            } else {
                vstrbq_p_s8(to, vldrbq_gather_offset_z_s8(from, places, lanes), lanes);
                from += 16 * step;
                to += 16;
            }
        }
        return;
    }
    const uint16x8_t places = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)step);
    for (; count > 0; count -= 8) {
        const mve_pred16_t lanes = vctp16q((uint32_t)count);
        if (scatter) {
            vstrbq_scatter_offset_p_s16(to, places, vldrbq_z_s16(from, lanes), lanes);
            from += 8;
            to += 8 * step;
        } else {
            vstrbq_p_s16(to, vldrbq_gather_offset_z_s16(from, places, lanes), lanes);
            from += 8 * step;
            to += 8;
        }
    }
}

#endif /* CMOPT_CMSIS_NN_MVE_MOVE_H */
