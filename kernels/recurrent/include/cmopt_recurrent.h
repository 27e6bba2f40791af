/*
 * Recurrent layers, made of calls of CMSIS-NN and of cmopt_tensor_ops. Plain C99, without a heap.
 */
#ifndef CMOPT_RECURRENT_H
#define CMOPT_RECURRENT_H

#include <stdbool.h>
#include <stdint.h>

#include "arm_nnfunctions.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CMOPT_LSTM_GATES = 4, CMOPT_LSTM_TABLES = 5 };

/* How the sums of a linear layer become int8. */
typedef struct {
    int32_t multiplier;
    int32_t shift;
    int32_t zero_point;
} cmopt_lstm_layer;

/* An addition: how the operands are scaled, and how their sum becomes int8. */
typedef struct {
    int32_t first_multiplier;
    int32_t first_shift;
    int32_t second_multiplier;
    int32_t second_shift;
    int32_t multiplier;
    int32_t shift;
    int32_t zero_point;
} cmopt_lstm_sum;

/* A product: the zero points of the operands, and how it becomes int8. */
typedef struct {
    int32_t first_zero_point;
    int32_t second_zero_point;
    int32_t multiplier;
    int32_t shift;
    int32_t zero_point;
} cmopt_lstm_product;

/* An LSTM with the gates input, forget, cell, output, in this order.
 *
 * input: [steps, batch, inputs]; initial hidden state: [batch, state]; initial cell state and final
 * cell state: [batch, units]. The output is [steps, batch, units] if keeps_all, else that of the last
 * step. state is units if there is more than one step. reverse: the last slice of the input is the
 * first that is taken; slice t of the output is that of slice t of the input.
 *
 * groups: 1 if all gates are requantized alike, else 4; so many entries of the three arrays count.
 * input_weights: [4 * units, inputs]; hidden_weights: [4 * units, state]. sums: the biases, and what
 * the zero points of the operands give. tables: [5, 256], of each gate and of the new cell state. */
typedef struct {
    int32_t steps, batch, inputs, state, units;
    bool keeps_all;
    bool reverse;
    int32_t groups;
    const int8_t *input_weights;
    const int32_t *input_sums;
    const int8_t *hidden_weights;
    const int32_t *hidden_sums;
    const int8_t *tables;
    cmopt_lstm_layer input_layers[CMOPT_LSTM_GATES];
    cmopt_lstm_layer hidden_layers[CMOPT_LSTM_GATES];
    cmopt_lstm_sum gate_sums[CMOPT_LSTM_GATES];
    cmopt_lstm_product forget_product;
    cmopt_lstm_product input_product;
    cmopt_lstm_sum cell_sum;
    cmopt_lstm_product output_product;
} cmopt_lstm;

/* Bytes of working memory. */
int32_t cmopt_lstm_s8_get_buffer_size(const cmopt_lstm *lstm);

/* All steps, each row of the batch by itself. The output and the final cell state may begin where an
 * initial state does. */
arm_cmsis_nn_status cmopt_lstm_s8(const cmsis_nn_context *context, const cmopt_lstm *lstm,
                                  const int8_t *input, const int8_t *initial_hidden,
                                  const int8_t *initial_cell, int8_t *output, int8_t *cell);

#ifdef __cplusplus
}
#endif

#endif /* CMOPT_RECURRENT_H */
