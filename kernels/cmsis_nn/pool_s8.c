/* Average and maximum pooling. */
#include "arm_nnfunctions.h"
#include "fixed_point.h"
#include "window.h"

/* sum / count, rounded to nearest, halves away from zero; count >= 1. */
static int32_t rounded_mean(int32_t sum, int32_t count)
{
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/* Reduces one window of one channel: the rounded mean, or the maximum. `image` points at the
 * channel of the image's first pixel. The window is not empty. */
static int32_t reduce(const int8_t *image,
                      const cmsis_nn_dims *dims,
                      cmopt_window rows,
                      cmopt_window columns,
                      bool mean)
{
    int32_t sum = 0;
    int32_t largest = INT8_MIN;
    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
        for (int32_t kx = columns.begin; kx < columns.end; kx++) {
            const int32_t pixel = (rows.origin + ky) * dims->w + columns.origin + kx;
            const int32_t value = image[pixel * dims->c];
            sum += value;
            largest = value > largest ? value : largest;
        }
    }
    const int32_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
    return mean ? rounded_mean(sum, count) : largest;
}

static arm_cmsis_nn_status pool_s8(bool mean,
                                   const cmsis_nn_pool_params *params,
                                   const cmsis_nn_dims *input_dims,
                                   const int8_t *input,
                                   const cmsis_nn_dims *filter_dims,
                                   const cmsis_nn_dims *output_dims,
                                   int8_t *output)
{
    const int32_t image_size = input_dims->h * input_dims->w * input_dims->c;
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
                for (int32_t c = 0; c < input_dims->c; c++) {
                    const int32_t value = reduce(image + c, input_dims, rows, columns, mean);
                    *output++ = (int8_t)cmopt_clamp(value, params->activation.min,
                                                    params->activation.max);
                }
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
