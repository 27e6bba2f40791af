/* The steps of an LSTM on int8: the kernels that a step would call one by one. */
#include <stddef.h>

#include "cmopt_recurrent.h"
#include "cmopt_tensor_ops.h"

/* By which additions shift their operands left before they scale them. */
enum { LEFT_SHIFT = 20, TABLE_SIZE = 256 };

/* output[r] = the sum of a row of weights times x, for some rows. */
static arm_cmsis_nn_status linear(const int8_t *x, int32_t size, const int8_t *weights,
                                  const int32_t *sums, int32_t rows, const cmopt_lstm_layer *to,
                                  int8_t *output)
{
    /* The sums have what the zero point of x gives. So they are the bias of a layer without zero
     * points, and also what the vector kernel reads instead of it. */
    const cmsis_nn_context context = {(void *)(uintptr_t)sums, rows * (int32_t)sizeof(int32_t)};
    const cmsis_nn_fc_params params = {0, 0, to->zero_point, {INT8_MIN, INT8_MAX}};
    const cmsis_nn_per_tensor_quant_params quant = {to->multiplier, to->shift};
    const cmsis_nn_dims input_dims = {1, 1, 1, size};
    const cmsis_nn_dims filter_dims = {size, 1, 1, rows};
    const cmsis_nn_dims output_dims = {1, 1, 1, rows};
    return arm_fully_connected_s8(&context, &params, &quant, &input_dims, x, &filter_dims, weights,
                                  &output_dims, sums, &output_dims, output);
}

/* first[i] = first[i] + second[i], or the same in `output`. */
static arm_cmsis_nn_status add(const int8_t *first, int32_t first_zero_point, const int8_t *second,
                               int32_t second_zero_point, const cmopt_lstm_sum *to, int32_t count,
                               int8_t *output)
{
    return arm_elementwise_add_s8(first, second, -first_zero_point, to->first_multiplier,
                                  to->first_shift, -second_zero_point, to->second_multiplier,
                                  to->second_shift, LEFT_SHIFT, output, to->zero_point,
                                  to->multiplier, to->shift, INT8_MIN, INT8_MAX, count);
}

static arm_cmsis_nn_status multiply(const int8_t *first, const int8_t *second,
                                    const cmopt_lstm_product *to, int32_t count, int8_t *output)
{
    return arm_elementwise_mul_s8(first, second, -to->first_zero_point, -to->second_zero_point,
                                  output, to->zero_point, to->multiplier, to->shift, INT8_MIN,
                                  INT8_MAX, count);
}

/* gates = the sums of both layers, before their functions. part: memory for a group of gates. */
static arm_cmsis_nn_status add_layers(const cmopt_lstm *lstm, const int8_t *x, const int8_t *hidden,
                                      int8_t *gates, int8_t *part)
{
    const int32_t rows = CMOPT_LSTM_GATES / lstm->groups * lstm->units;
    for (int32_t group = 0; group < lstm->groups; group++) {
        const int32_t start = group * rows;
        const cmopt_lstm_layer *of_input = &lstm->input_layers[group];
        const cmopt_lstm_layer *of_hidden = &lstm->hidden_layers[group];
        arm_cmsis_nn_status status =
            linear(x, lstm->inputs, lstm->input_weights + start * lstm->inputs,
                   lstm->input_sums + start, rows, of_input, gates + start);
        if (status == ARM_CMSIS_NN_SUCCESS) {
            status = linear(hidden, lstm->state, lstm->hidden_weights + start * lstm->state,
                            lstm->hidden_sums + start, rows, of_hidden, part);
        }
        if (status == ARM_CMSIS_NN_SUCCESS) {
            status = add(gates + start, of_input->zero_point, part, of_hidden->zero_point,
                         &lstm->gate_sums[group], rows, gates + start);
        }
        if (status != ARM_CMSIS_NN_SUCCESS) {
            return status;
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

/* One step of one row. The new states may be where the old ones are. */
static arm_cmsis_nn_status step(const cmopt_lstm *lstm, const int8_t *x, const int8_t *hidden,
                                const int8_t *cell, int8_t *scratch, int8_t *new_hidden,
                                int8_t *new_cell)
{
    const int32_t units = lstm->units;
    int8_t *const input = scratch;
    int8_t *const forget = input + units;
    int8_t *const candidate = forget + units;
    int8_t *const output = candidate + units;
    arm_cmsis_nn_status status = add_layers(lstm, x, hidden, scratch, output + units);
    if (status != ARM_CMSIS_NN_SUCCESS) {
        return status;
    }
    for (int32_t gate = 0; gate < CMOPT_LSTM_GATES; gate++) {
        int8_t *const values = scratch + gate * units;
        cmopt_lookup_s8(values, (size_t)units, lstm->tables + gate * TABLE_SIZE, values);
    }
    status = multiply(forget, cell, &lstm->forget_product, units, forget);
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = multiply(input, candidate, &lstm->input_product, units, input);
    }
    if (status == ARM_CMSIS_NN_SUCCESS) {
        status = add(forget, lstm->forget_product.zero_point, input,
                     lstm->input_product.zero_point, &lstm->cell_sum, units, new_cell);
    }
    if (status != ARM_CMSIS_NN_SUCCESS) {
        return status;
    }
    cmopt_lookup_s8(new_cell, (size_t)units, lstm->tables + CMOPT_LSTM_GATES * TABLE_SIZE,
                    candidate);
    return multiply(output, candidate, &lstm->output_product, units, new_hidden);
}

int32_t cmopt_lstm_s8_get_buffer_size(const cmopt_lstm *lstm)
{
    return (CMOPT_LSTM_GATES + CMOPT_LSTM_GATES / lstm->groups) * lstm->units;
}

arm_cmsis_nn_status cmopt_lstm_s8(const cmsis_nn_context *context, const cmopt_lstm *lstm,
                                  const int8_t *input, const int8_t *initial_hidden,
                                  const int8_t *initial_cell, int8_t *output, int8_t *cell)
{
    const int32_t row = lstm->units;
    const int32_t slice = lstm->batch * lstm->inputs;
    const int8_t *hidden = initial_hidden;
    const int8_t *old_cell = initial_cell;
    int32_t state = lstm->state;
    for (int32_t i = 0; i < lstm->steps; i++) {
        const int32_t t = lstm->reverse ? lstm->steps - 1 - i : i;
        const int8_t *const x = input + t * slice;
        int8_t *const new_hidden = lstm->keeps_all ? output + t * lstm->batch * row : output;
        for (int32_t n = 0; n < lstm->batch; n++) {
            const arm_cmsis_nn_status status =
                step(lstm, x + n * lstm->inputs, hidden + n * state, old_cell + n * row,
                     context->buf, new_hidden + n * row, cell + n * row);
            if (status != ARM_CMSIS_NN_SUCCESS) {
                return status;
            }
        }
        hidden = new_hidden;
        state = row;
        old_cell = cell;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
