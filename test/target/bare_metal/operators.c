/* One function for each op of the cortex_m dialect, which makes its CMSIS-NN call. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "machine.h"
#include "program.h"

/* Both inputs of an addition are shifted left by this many bits. The operator is defined so. */
#define ADD_LEFT_SHIFT 20

static const int8_t *int8(const struct tensor *tensor)
{
    return bytes_of(tensor);
}

static int32_t count_of(const struct tensor *tensor)
{
    return tensor->dims.n * tensor->dims.h * tensor->dims.w * tensor->dims.c;
}

static cmsis_nn_tile tile(const int32_t hw[2])
{
    return (cmsis_nn_tile){.w = hw[1], .h = hw[0]};
}

static cmsis_nn_activation activation(const struct op *op)
{
    return (cmsis_nn_activation){op->activation_min, op->activation_max};
}

static const cmsis_nn_activation ANY_INT8 = {INT8_MIN, INT8_MAX};

static void check(const struct op *op, arm_cmsis_nn_status status)
{
    if (status != ARM_CMSIS_NN_SUCCESS) {
        fail(op, EXIT_KERNEL, "the kernel returned", status);
    }
}

/* The planned scratch. Ends the run if the linked library needs more bytes than were planned. */
static cmsis_nn_context planned(const struct op *op, const struct tensor *scratch, int32_t wanted)
{
    if (wanted > (int32_t)scratch->bytes) {
        fail(op, EXIT_SCRATCH, "the scratch is too small, the kernel needs", wanted);
    }
    return (cmsis_nn_context){bytes_of(scratch), (int32_t)scratch->bytes};
}

/* Float and integers. Elements are computed in ascending order, so input and output may begin at
   the same byte. */

void quantize_per_tensor(const struct op *op)
{
    const float *x = bytes_of(&op->input);
    int8_t *narrow = bytes_of(&op->output);
    int16_t *wide = bytes_of(&op->output);
    const int32_t count = count_of(&op->output);
    const bool is_int8 = op->output.bytes == (uint32_t)count;
    const float inverse = 1.0f / op->scale;
    const float low = (float)(op->quant_min - op->zero_point);
    const float high = (float)(op->quant_max - op->zero_point);
    for (int32_t i = 0; i < count; i++) {
        float step = nearbyintf(x[i] * inverse);
        step = isnan(step) ? 0.0f : step;
        step = step < low ? low : step > high ? high : step;
        const int32_t q = (int32_t)step + op->zero_point;
        if (is_int8) {
            narrow[i] = (int8_t)q;
        } else {
            wide[i] = (int16_t)q;
        }
    }
}

void dequantize_per_tensor(const struct op *op)
{
    const int8_t *narrow = bytes_of(&op->input);
    const int16_t *wide = bytes_of(&op->input);
    float *x = bytes_of(&op->output);
    const int32_t count = count_of(&op->input);
    const bool is_int8 = op->input.bytes == (uint32_t)count;
    for (int32_t i = 0; i < count; i++) {
        const int32_t q = is_int8 ? narrow[i] : wide[i];
        x[i] = (float)(q - op->zero_point) * op->scale;
    }
}

/* Elementwise. */

/* `other` is as large as the output, or is repeated for each pixel, with one call for each. */

void quantized_add(const struct op *op)
{
    const int32_t block = count_of(&op->other);
    int8_t *out = bytes_of(&op->output);
    for (int32_t i = 0; i < count_of(&op->output); i += block) {
        check(op,
              arm_elementwise_add_s8(int8(&op->input) + i, int8(&op->other), -op->self_zero_point,
                                     op->self_multiplier, op->self_shift, -op->other_zero_point,
                                     op->other_multiplier, op->other_shift, ADD_LEFT_SHIFT,
                                     out + i, op->output_zero_point, op->output_multiplier,
                                     op->output_shift, op->activation_min, op->activation_max,
                                     block));
    }
}

void quantized_mul(const struct op *op)
{
    const int32_t block = count_of(&op->other);
    int8_t *out = bytes_of(&op->output);
    for (int32_t i = 0; i < count_of(&op->output); i += block) {
        check(op,
              arm_elementwise_mul_s8(int8(&op->input) + i, int8(&op->other), -op->self_zero_point,
                                     -op->other_zero_point, out + i, op->output_zero_point,
                                     op->output_multiplier, op->output_shift, INT8_MIN, INT8_MAX,
                                     block));
    }
}

void quantized_div(const struct op *op)
{
    const int8_t *numerators = int8(&op->input), *denominators = int8(&op->other);
    int8_t *out = bytes_of(&op->output);
    for (int32_t i = 0; i < count_of(&op->output); i++) {
        const float numerator = (float)(numerators[i] - op->self_zero_point);
        const float denominator = (float)(denominators[i] - op->other_zero_point);
        const float quotient = denominator != 0.0f ? numerator / denominator : 0.0f;
        const float q = roundf(quotient * op->output_scale) + (float)op->output_zero_point;
        out[i] = (int8_t)(q < INT8_MIN ? INT8_MIN : q > INT8_MAX ? INT8_MAX : q);
    }
}

void minimum(const struct op *op)
{
    const cmsis_nn_context none = {NULL, 0};
    check(op, arm_minimum_s8(&none, int8(&op->input), &op->input.dims, int8(&op->other),
                             &op->other.dims, bytes_of(&op->output), &op->output.dims));
}

void maximum(const struct op *op)
{
    const cmsis_nn_context none = {NULL, 0};
    check(op, arm_maximum_s8(&none, int8(&op->input), &op->input.dims, int8(&op->other),
                             &op->other.dims, bytes_of(&op->output), &op->output.dims));
}

void quantized_activation(const struct op *op)
{
    const int8_t *in = int8(&op->input), *lut = int8(&op->lut);
    int8_t *out = bytes_of(&op->output);
    for (int32_t i = 0; i < count_of(&op->output); i++) {
        out[i] = lut[in[i] + 128];
    }
}

/* Convolution. */

static cmsis_nn_per_channel_quant_params per_channel(const struct op *op)
{
    return (cmsis_nn_per_channel_quant_params){bytes_of(&op->requantize_multipliers),
                                               bytes_of(&op->requantize_shifts)};
}

void quantized_conv2d(const struct op *op)
{
    const cmsis_nn_conv_params params = {op->input_offset,   op->output_offset,
                                         tile(op->stride),   tile(op->padding),
                                         tile(op->dilation), activation(op)};
    const cmsis_nn_per_channel_quant_params quant = per_channel(op);
    const cmsis_nn_dims *input = &op->input.dims, *filter = &op->weight.dims;
    const cmsis_nn_dims *output = &op->output.dims;
    const cmsis_nn_context scratch = planned(
        op, &op->scratch, arm_convolve_wrapper_s8_get_buffer_size(&params, input, filter, output));
    check(op, arm_convolve_wrapper_s8(&scratch, &params, &quant, input, int8(&op->input), filter,
                                      int8(&op->weight), &op->bias.dims, bytes_of(&op->bias),
                                      output, bytes_of(&op->output)));
}

void quantized_depthwise_conv2d(const struct op *op)
{
    const cmsis_nn_dw_conv_params params = {
        op->input_offset, op->output_offset,  op->depth_multiplier, tile(op->stride),
        tile(op->padding), tile(op->dilation), activation(op)};
    const cmsis_nn_per_channel_quant_params quant = per_channel(op);
    const cmsis_nn_dims *input = &op->input.dims, *filter = &op->weight.dims;
    const cmsis_nn_dims *output = &op->output.dims;
    const cmsis_nn_context scratch =
        planned(op, &op->scratch,
                arm_depthwise_conv_wrapper_s8_get_buffer_size(&params, input, filter, output));
    check(op, arm_depthwise_conv_wrapper_s8(&scratch, &params, &quant, input, int8(&op->input),
                                            filter, int8(&op->weight), &op->bias.dims,
                                            bytes_of(&op->bias), output, bytes_of(&op->output)));
}

void quantized_transpose_conv2d(const struct op *op)
{
    const cmsis_nn_transpose_conv_params params = {
        op->input_offset,         op->output_offset,  tile(op->stride), tile(op->padding),
        tile(op->output_padding), tile(op->dilation), activation(op)};
    const cmsis_nn_per_channel_quant_params quant = per_channel(op);
    const cmsis_nn_dims *input = &op->input.dims, *filter = &op->weight.dims;
    const cmsis_nn_dims *output = &op->output.dims;
    const cmsis_nn_context scratch = planned(
        op, &op->scratch, arm_transpose_conv_s8_get_buffer_size(&params, input, filter, output));
    const cmsis_nn_context reversed =
        planned(op, &op->output_scratch,
                arm_transpose_conv_s8_get_reverse_conv_buffer_size(&params, input, filter));
    check(op, arm_transpose_conv_wrapper_s8(&scratch, &reversed, &params, &quant, input,
                                            int8(&op->input), filter, int8(&op->weight),
                                            &op->bias.dims, bytes_of(&op->bias), output,
                                            bytes_of(&op->output)));
}

/* Pooling. */

static cmsis_nn_dims window(const struct op *op)
{
    return (cmsis_nn_dims){1, op->kernel_size[0], op->kernel_size[1], 1};
}

void quantized_avg_pool2d(const struct op *op)
{
    const cmsis_nn_pool_params params = {tile(op->stride), tile(op->padding), ANY_INT8};
    const cmsis_nn_dims filter = window(op);
    const cmsis_nn_context scratch =
        planned(op, &op->scratch,
                arm_avgpool_s8_get_buffer_size(op->output.dims.w, op->input.dims.c));
    check(op, arm_avgpool_s8(&scratch, &params, &op->input.dims, int8(&op->input), &filter,
                             &op->output.dims, bytes_of(&op->output)));
}

void quantized_max_pool2d(const struct op *op)
{
    const cmsis_nn_pool_params params = {tile(op->stride), tile(op->padding), activation(op)};
    const cmsis_nn_dims filter = window(op);
    const cmsis_nn_context none = {NULL, 0};
    check(op, arm_max_pool_s8(&none, &params, &op->input.dims, int8(&op->input), &filter,
                              &op->output.dims, bytes_of(&op->output)));
}

/* Matrices. */

/* The bias for a library that reads one: the program's, or computed from its kernel sums. */
static const int32_t *linear_bias(const struct op *op, const cmsis_nn_dims *filter)
{
    const int32_t *sums = bytes_of(&op->kernel_sum);
    if (sums == NULL) {
        return bytes_of(&op->bias);
    }
    memset(program_bias, 0, op->kernel_sum.bytes);
    check(op, arm_vector_sum_s8(program_bias, filter->n, filter->c, int8(&op->weights),
                                op->input_offset, op->filter_offset, NULL));
    for (int32_t i = 0; i < filter->c; i++) {
        program_bias[i] = (int32_t)((uint32_t)sums[i] - (uint32_t)program_bias[i]);
    }
    return program_bias;
}

/* The sums for a library that reads them: the program's, or computed from its bias. */
static int32_t *linear_sums(const struct op *op, const cmsis_nn_dims *filter)
{
    if (op->kernel_sum.bytes > 0) {
        return bytes_of(&op->kernel_sum);
    }
    check(op, arm_vector_sum_s8(program_bias, filter->n, filter->c, int8(&op->weights),
                                op->input_offset, op->filter_offset, bytes_of(&op->bias)));
    return program_bias;
}

void quantized_linear(const struct op *op)
{
    const int32_t columns = op->weights.dims.c, outputs = op->weights.dims.w;
    const int32_t rows = count_of(&op->output) / outputs;
    const cmsis_nn_fc_params params = {op->input_offset, op->filter_offset, op->output_offset,
                                       activation(op)};
    const cmsis_nn_per_tensor_quant_params quant = {op->requantize_multiplier[0],
                                                    op->requantize_shift[0]};
    const cmsis_nn_dims input = {rows, 1, 1, columns}, filter = {columns, 1, 1, outputs};
    const cmsis_nn_dims bias_dims = {1, 1, 1, outputs}, output = {rows, 1, 1, outputs};
    const int32_t wanted = arm_fully_connected_s8_get_buffer_size(&filter);
    const bool reads_sums = wanted > 0;
    const cmsis_nn_context sums = {reads_sums ? linear_sums(op, &filter) : NULL, wanted};
    const int32_t *bias = reads_sums ? NULL : linear_bias(op, &filter);
    check(op, arm_fully_connected_s8(&sums, &params, &quant, &input, int8(&op->input), &filter,
                                     int8(&op->weights), &bias_dims, bias, &output,
                                     bytes_of(&op->output)));
}

void quantized_batch_matmul(const struct op *op)
{
    const cmsis_nn_bmm_params params = {
        false, false, {op->lhs_zero_point, op->rhs_zero_point, op->output_zero_point, ANY_INT8}};
    const cmsis_nn_per_tensor_quant_params quant = {op->output_multiplier, op->output_shift};
    const cmsis_nn_context scratch =
        planned(op, &op->scratch, arm_fully_connected_s8_get_buffer_size(&op->output.dims));
    check(op, arm_batch_matmul_s8(&scratch, &params, &quant, &op->lhs.dims, int8(&op->lhs),
                                  &op->rhs_transposed.dims, int8(&op->rhs_transposed),
                                  &op->output.dims, bytes_of(&op->output)));
}

void softmax(const struct op *op)
{
    const int32_t row = op->input.dims.c;
    arm_softmax_s8(int8(&op->input), count_of(&op->input) / row, row, op->input_multiplier,
                   op->input_shift, op->diff_min, bytes_of(&op->output));
}

/* Movement. */

static cmsis_nn_dims dims_from(const int32_t sizes[4])
{
    return (cmsis_nn_dims){sizes[0], sizes[1], sizes[2], sizes[3]};
}

/* The sizes of a tensor left-aligned to four, for `arm_transpose_s8`. */
static cmsis_nn_dims left_aligned(const struct tensor *tensor)
{
    const int32_t sizes[4] = {tensor->dims.n, tensor->dims.h, tensor->dims.w, tensor->dims.c};
    int32_t moved[4] = {1, 1, 1, 1};
    memcpy(moved, sizes + 4 - tensor->rank, (size_t)tensor->rank * sizeof sizes[0]);
    return dims_from(moved);
}

void transpose(const struct op *op)
{
    const cmsis_nn_dims input = left_aligned(&op->input), output = left_aligned(&op->output);
    uint32_t axes[4] = {0};
    bool identity = true;
    for (int32_t i = 0; i < op->input.rank; i++) {
        axes[i] = (uint32_t)op->perm[i];
        identity = identity && op->perm[i] == i;
    }
    if (identity) { /* CMSIS-NN has no kernel for this */
        memmove(bytes_of(&op->output), bytes_of(&op->input), op->input.bytes);
        return;
    }
    const cmsis_nn_transpose_params params = {op->input.rank, axes};
    check(op, arm_transpose_s8(int8(&op->input), bytes_of(&op->output), &input, &output, &params));
}

void pad(const struct op *op)
{
    const cmsis_nn_dims pre = dims_from(op->pre_pad), post = dims_from(op->post_pad);
    check(op, arm_pad_s8(int8(&op->input), bytes_of(&op->output), (int8_t)op->pad_value,
                         &op->input.dims, &pre, &post));
}
