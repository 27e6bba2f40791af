/* Average and maximum pooling of int16. */
#include "arm_nnfunctions.h"
#include "fixed_point.h"
#include "window.h"

/* A window inside the input: rows of `columns` pixels, `pitch` elements apart. */
typedef struct {
    const int16_t *first;
    int32_t pitch;
    int32_t rows;
    int32_t columns;
    int32_t channels;
} window_s16;

/* The average, rounded to nearest, halves away from zero. */
static int32_t mean_of(const window_s16 *window, int32_t channel)
{
    const int32_t count = window->rows * window->columns;
    int32_t sum = 0;
    for (int32_t y = 0; y < window->rows; y++) {
        const int16_t *pixel = window->first + y * window->pitch + channel;
        for (int32_t x = 0; x < window->columns; x++, pixel += window->channels) {
            sum += *pixel;
        }
    }
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static int32_t largest_of(const window_s16 *window, int32_t channel)
{
    int32_t largest = INT16_MIN;
    for (int32_t y = 0; y < window->rows; y++) {
        const int16_t *pixel = window->first + y * window->pitch + channel;
        for (int32_t x = 0; x < window->columns; x++, pixel += window->channels) {
            largest = *pixel > largest ? *pixel : largest;
        }
    }
    return largest;
}

static arm_cmsis_nn_status pool_s16(int32_t (*value_of)(const window_s16 *, int32_t),
                                    const cmsis_nn_pool_params *params,
                                    const cmsis_nn_dims *input_dims,
                                    const int16_t *input,
                                    const cmsis_nn_dims *filter_dims,
                                    const cmsis_nn_dims *output_dims,
                                    int16_t *output)
{
    const int32_t pitch = input_dims->w * input_dims->c;
    const int32_t image_size = input_dims->h * pitch;
    for (int32_t n = 0; n < input_dims->n; n++) {
        const int16_t *image = input + n * image_size;
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
                const window_s16 window = {
                    image + (rows.origin + rows.begin) * pitch +
                        (columns.origin + columns.begin) * input_dims->c,
                    pitch, rows.end - rows.begin, columns.end - columns.begin, input_dims->c};
                for (int32_t c = 0; c < input_dims->c; c++) {
                    *output++ = (int16_t)cmopt_clamp(value_of(&window, c), params->activation.min,
                                                     params->activation.max);
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_avgpool_s16(const cmsis_nn_context *ctx,
                                    const cmsis_nn_pool_params *pool_params,
                                    const cmsis_nn_dims *input_dims,
                                    const int16_t *input_data,
                                    const cmsis_nn_dims *filter_dims,
                                    const cmsis_nn_dims *output_dims,
                                    int16_t *output_data)
{
    (void)ctx;
    return pool_s16(mean_of, pool_params, input_dims, input_data, filter_dims, output_dims,
                    output_data);
}

int32_t arm_avgpool_s16_get_buffer_size(const int dim_dst_width, const int ch_src)
{
    (void)dim_dst_width;
    (void)ch_src;
    return 0;
}

arm_cmsis_nn_status arm_max_pool_s16(const cmsis_nn_context *ctx,
                                     const cmsis_nn_pool_params *pool_params,
                                     const cmsis_nn_dims *input_dims,
                                     const int16_t *input_data,
                                     const cmsis_nn_dims *filter_dims,
                                     const cmsis_nn_dims *output_dims,
                                     int16_t *output_data)
{
    (void)ctx;
    return pool_s16(largest_of, pool_params, input_dims, input_data, filter_dims, output_dims,
                    output_data);
}
