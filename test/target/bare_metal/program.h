/*
 * A planned function as data. program_table.py writes it, and execute.c runs it.
 *
 * An op is the C function that calls its kernel, with operands, result and properties under their
 * names in the cortex_m dialect. Those that an op does not have are zero.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdint.h>

#include "arm_nnfunctions.h"

/* Row-major bytes, in the arena or constant. An absent operand has no bytes and no constant. `dims`
 * are the sizes right-aligned to four; for a rank above four, the leading sizes are multiplied. */
struct tensor {
    const void *constant;
    uint32_t offset;
    uint32_t bytes;
    int32_t rank;
    cmsis_nn_dims dims;
};

struct op {
    void (*run)(const struct op *op);
    const char *name;

    struct tensor input, other, weight, weights, lhs, rhs_transposed, lut;
    struct tensor bias, kernel_sum, requantize_multipliers, requantize_shifts;
    struct tensor scratch, output_scratch, output;

    int32_t stride[2], padding[2], dilation[2], output_padding[2], kernel_size[2]; /* h, w */
    int32_t perm[4], pre_pad[4], post_pad[4];
    int32_t requantize_multiplier[1], requantize_shift[1];
    int32_t input_offset, filter_offset, output_offset, depth_multiplier;
    int32_t activation_min, activation_max;
    int32_t zero_point, self_zero_point, other_zero_point, lhs_zero_point, rhs_zero_point;
    int32_t input_zero_point, output_zero_point;
    int32_t multiplier, self_multiplier, other_multiplier, input_multiplier, output_multiplier;
    int32_t shift, self_shift, other_shift, input_shift, output_shift;
    int32_t quant_min, quant_max, pad_value, diff_min, dim, ceil_mode;
    float scale, output_scale;
};

/* Written by program_table.py. The arena has GUARD_BYTES on either side. */
#define GUARD_BYTES 64
extern uint8_t program_memory[];
extern const uint32_t program_arena_bytes;
extern int32_t program_bias[]; /* one for each output of a linear */
extern const struct op program_ops[];
extern const int32_t program_op_count;
extern const struct tensor program_inputs[];
extern const int32_t program_input_count;
extern const struct tensor program_outputs[];
extern const int32_t program_output_count;

/* Where a tensor's bytes are; NULL for an absent one. */
void *bytes_of(const struct tensor *tensor);

/* Ends the run with a line that has the name of the op. */
void fail(const struct op *op, int code, const char *what, int32_t number)
    __attribute__((noreturn));

/* The functions that a table may use, from operators.c. */
void quantize_per_tensor(const struct op *op);
void dequantize_per_tensor(const struct op *op);
void quantized_add(const struct op *op);
void quantized_mul(const struct op *op);
void quantized_div(const struct op *op);
void minimum(const struct op *op);
void maximum(const struct op *op);
void quantized_activation(const struct op *op);
void quantized_conv2d(const struct op *op);
void quantized_depthwise_conv2d(const struct op *op);
void quantized_transpose_conv2d(const struct op *op);
void quantized_avg_pool2d(const struct op *op);
void quantized_max_pool2d(const struct op *op);
void quantized_linear(const struct op *op);
void quantized_batch_matmul(const struct op *op);
void softmax(const struct op *op);
void transpose(const struct op *op);
void pad(const struct op *op);

#endif /* PROGRAM_H */
