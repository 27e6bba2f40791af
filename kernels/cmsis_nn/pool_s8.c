/* Average and maximum pooling. */
#include "arm_nnfunctions.h"
#include "fixed_point.h"
#include "isa.h"
#include "window.h"
#ifdef CMOPT_MVE
#include "mve/pool.h"
#include "mve/requantize.h"
#endif

/* sum / count, rounded to nearest, halves away from zero; count >= 1. */
static int32_t rounded_mean(int32_t sum, int32_t count)
{
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/* A window inside the input: rows of `columns` pixels, `pitch` bytes apart. */
typedef struct {
    const int8_t *first;
    int32_t pitch;
    int32_t rows;
    int32_t columns;
    int32_t channels;
} window_s8;

#ifdef CMOPT_MVE
static void mean_of(const window_s8 *window, cmsis_nn_activation clamp, int8_t *out)
{
    const int32_t count = window->rows * window->columns;
    for (int32_t c = 0; c < window->channels; c += 16) {
        int32_t sums[16];
        const int32_t lanes = window->channels - c;
        cmopt_mve_sums_of(window->first + c, window->pitch, window->rows, window->columns,
                          window->channels, vctp8q((uint32_t)lanes), sums);
        for (int32_t i = 0; i < 16 && i < lanes; i++) {
            const int32_t mean = rounded_mean(sums[cmopt_mve_place(i)], count);
            out[c + i] = (int8_t)cmopt_clamp(mean, clamp.min, clamp.max);
        }
    }
}

static void largest_of(const window_s8 *window, cmsis_nn_activation clamp, int8_t *out)
{
    cmopt_mve_largest(window->first, window->pitch, window->rows, window->columns,
                      window->channels, (int8_t)cmopt_clamp(clamp.min, INT8_MIN, INT8_MAX),
                      (int8_t)cmopt_clamp(clamp.max, INT8_MIN, INT8_MAX), out);
}
#else
static void mean_of(const window_s8 *window, cmsis_nn_activation clamp, int8_t *out)
{
    const int32_t channels = window->channels;
    const int32_t count = window->rows * window->columns;
    for (int32_t c = 0; c < channels; c++) {
        const int8_t *row = window->first + c;
        int32_t sum = 0;
        for (int32_t y = window->rows; y > 0; y--, row += window->pitch) {
            const int8_t *pixel = row;
            for (int32_t x = window->columns; x > 0; x--, pixel += channels) {
                sum += *pixel;
            }
        }
        out[c] = (int8_t)cmopt_clamp(rounded_mean(sum, count), clamp.min, clamp.max);
    }
}

static void largest_of(const window_s8 *window, cmsis_nn_activation clamp, int8_t *out)
{
    const int32_t channels = window->channels;
    for (int32_t c = 0; c < channels; c++) {
        const int8_t *row = window->first + c;
        int32_t largest = clamp.min;
        for (int32_t y = window->rows; y > 0; y--, row += window->pitch) {
            const int8_t *pixel = row;
            for (int32_t x = window->columns; x > 0; x--, pixel += channels) {
                largest = *pixel > largest ? *pixel : largest;
            }
        }
        out[c] = (int8_t)(largest > clamp.max ? clamp.max : largest);
    }
}
#endif

static arm_cmsis_nn_status pool_s8(bool mean,
                                   const cmsis_nn_pool_params *params,
                                   const cmsis_nn_dims *input_dims,
                                   const int8_t *input,
                                   const cmsis_nn_dims *filter_dims,
                                   const cmsis_nn_dims *output_dims,
                                   int8_t *output)
{
    const int32_t pitch = input_dims->w * input_dims->c;
    const int32_t image_size = input_dims->h * pitch;
    for (int32_t n = 0; n < input_dims->n; n++) {
        const int8_t *image = input + n * image_size;
        for (int32_t oy = 0; oy < output_dims->h; oy++) {
            const cmopt_window rows = cmopt_window_at(oy, params->stride.h, params->padding.h, 1,
                                                      filter_dims->h, input_dims->h);
            for (int32_t ox = 0; ox < output_dims->w; ox++) {
                const cmopt_window columns =
                    cmopt_window_at(ox, params->stride.w, params->padding.w, 1, filter_dims->w,
                                    input_dims->w);
                if (rows.end <= rows.begin || columns.end <= columns.begin) {
                    return ARM_CMSIS_NN_ARG_ERROR;
                }
                const window_s8 window = {
                    image + (rows.origin + rows.begin) * pitch +
                        (columns.origin + columns.begin) * input_dims->c,
                    pitch, rows.end - rows.begin, columns.end - columns.begin, input_dims->c};
                if (mean) {
                    mean_of(&window, params->activation, output);
                } else {
                    largest_of(&window, params->activation, output);
                }
                output += input_dims->c;
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_avgpool_s8(const cmsis_nn_context *ctx,
                                   const cmsis_nn_pool_params *pool_params,
                                   const cmsis_nn_dims *input_dims,
                                   const int8_t *input_data,
                                   const cmsis_nn_dims *filter_dims,
                                   const cmsis_nn_dims *output_dims,
                                   int8_t *output_data)
{
    (void)ctx;
    return pool_s8(true, pool_params, input_dims, input_data, filter_dims, output_dims,
                   output_data);
}

int32_t arm_avgpool_s8_get_buffer_size(const int dim_dst_width, const int ch_src)
{
    (void)dim_dst_width;
    (void)ch_src;
    return 0;
}

arm_cmsis_nn_status arm_max_pool_s8(const cmsis_nn_context *ctx,
                                    const cmsis_nn_pool_params *pool_params,
                                    const cmsis_nn_dims *input_dims,
                                    const int8_t *input_data,
                                    const cmsis_nn_dims *filter_dims,
                                    const cmsis_nn_dims *output_dims,
                                    int8_t *output_data)
{
    (void)ctx;
    return pool_s8(false, pool_params, input_dims, input_data, filter_dims, output_dims,
                   output_data);
}
