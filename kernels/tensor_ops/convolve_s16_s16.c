/* Convolution of int16 with weights of int16. */
#include "cmopt_tensor_ops.h"
#include "mve.h"

static int64_t sum_of(const cmopt_convolution_s16 *p, const int16_t *image, const int16_t *filter,
                      int32_t top, int32_t left, int64_t sum)
{
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int32_t y = top + ky * p->dilation_h;
        if (y < 0 || y >= p->input_h) {
            continue;
        }
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            const int32_t x = left + kx * p->dilation_w;
            if (x < 0 || x >= p->input_w) {
                continue;
            }
            const int16_t *pixel = image + (y * p->input_w + x) * p->input_c;
            const int16_t *weight = filter + (ky * p->kernel_w + kx) * p->input_c;
            sum = cmopt_dot_s16_s16(sum, pixel, weight, p->input_c);
        }
    }
    return sum;
}

/* As CMSIS-NN's arm_nn_requantize_s64, with the upper 16 bits of the multiplier. */
static int32_t requantized(int64_t sum, int32_t multiplier, int32_t shift)
{
    const int32_t reduced =
        multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
    const int64_t product = (int64_t)((uint64_t)sum * (uint64_t)(int64_t)reduced);
    const int32_t rest = (int32_t)(product >> (14 - shift));
    return (int32_t)((uint32_t)rest + 1u) >> 1;
}

void cmopt_convolve_s16_s16(const int16_t *input, const int16_t *filter, const int64_t *bias,
                            const int32_t *multipliers, const int32_t *shifts,
                            const cmopt_convolution_s16 *p, int16_t *output)
{
    const int32_t filter_size = p->kernel_h * p->kernel_w * p->input_c;
    for (int32_t n = 0; n < p->images; n++) {
        const int16_t *image = input + n * p->input_h * p->input_w * p->input_c;
        for (int32_t oy = 0; oy < p->output_h; oy++) {
            for (int32_t ox = 0; ox < p->output_w; ox++) {
                for (int32_t oc = 0; oc < p->output_c; oc++) {
                    const int64_t sum = sum_of(p, image, filter + oc * filter_size,
                                               oy * p->stride_h - p->padding_h,
                                               ox * p->stride_w - p->padding_w, bias[oc]);
                    const int32_t value = requantized(sum, multipliers[oc], shifts[oc]);
                    const int32_t low = value < p->minimum ? p->minimum : value;
                    *output++ = (int16_t)(low > p->maximum ? p->maximum : low);
                }
            }
        }
    }
}
