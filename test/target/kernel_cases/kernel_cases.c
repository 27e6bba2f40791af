/*
 * Calls kernels with the arguments in the file "inputs", and writes the results to "outputs".
 *
 * A case is: the header below; `ints` numbers; the byte counts of its arrays; the arrays. The array
 * `last` ends where RAM ends, so a read past it is a fault. The others, the result and the scratch
 * have guards on either side. Scratch and result are filled with garbage before the call.
 */
#include <stdbool.h>
#include <string.h>

#include "arm_nnfunctions.h"
#include "machine.h"

enum { GARBAGE = 0xA5, GUARD = 0x3C, GUARD_BYTES = 32, MOST_INTS = 40, MOST_ARRAYS = 5 };

struct header {
    int32_t kernel;
    int32_t ints;
    int32_t arrays;
    int32_t result_bytes;
    int32_t planned[2]; /* bytes of scratch */
    int32_t last;
    int32_t shifted; /* bytes from an aligned address to an array of int8 */
    int32_t aliased; /* the array that the result overwrites, or -1 */
};

extern uint8_t ram_end[];
static uint8_t memory[1 << 20] __attribute__((aligned(16)));
static uint32_t used;

static struct header header;
static int32_t ints[MOST_INTS];
static int32_t sizes[MOST_ARRAYS];
static uint8_t *arrays[MOST_ARRAYS];
static int8_t *result;
static uint8_t *scratches[2];
static int32_t scratch_bytes[2];
static int32_t case_number;

static void fail(int code, const char *what, int32_t number)
{
    say("case ");
    say_number(case_number);
    say(", kernel ");
    say_number(header.kernel);
    say(": ");
    say(what);
    say(" ");
    say_number(number);
    say("\n");
    leave(code);
}

/* Bytes with a guard on either side, `shifted` bytes after a multiple of 16. */
static uint8_t *allocate(int32_t bytes, int32_t shifted)
{
    uint8_t *const place = memory + used + GUARD_BYTES + shifted;
    used += (2 * GUARD_BYTES + (uint32_t)(bytes + shifted) + 15) / 16 * 16;
    if (used > sizeof memory) {
        fail(EXIT_FILE, "too little memory for bytes", bytes);
    }
    memset(place - GUARD_BYTES, GUARD, (size_t)bytes + 2 * GUARD_BYTES);
    memset(place, GARBAGE, (size_t)bytes);
    return place;
}

static void check_guards(const uint8_t *place, int32_t bytes)
{
    for (int32_t i = 0; i < GUARD_BYTES; i++) {
        if (place[-1 - i] != GUARD) {
            fail(EXIT_GUARD, "overwritten before memory at byte", i);
        }
        if (place[bytes + i] != GUARD) {
            fail(EXIT_GUARD, "overwritten after memory at byte", i);
        }
    }
}

static void check(arm_cmsis_nn_status status)
{
    if (status != ARM_CMSIS_NN_SUCCESS) {
        fail(EXIT_STEP, "the kernel returned", status);
    }
}

/* Scratch number `i`, of `wanted` bytes. */
static cmsis_nn_context scratch(int i, int32_t wanted)
{
    if (wanted > header.planned[i]) {
        fail(EXIT_STEP, "the scratch is too small, the kernel needs", wanted);
    }
    scratches[i] = allocate(wanted, 4);
    scratch_bytes[i] = wanted;
    return (cmsis_nn_context){scratches[i], wanted};
}

static const int32_t *next; /* the next of `ints` */

static cmsis_nn_dims dims(void)
{
    next += 4;
    return (cmsis_nn_dims){next[-4], next[-3], next[-2], next[-1]};
}

static cmsis_nn_tile tile(void)
{
    next += 2;
    return (cmsis_nn_tile){.w = next[-1], .h = next[-2]};
}

static cmsis_nn_activation activation(void)
{
    next += 2;
    return (cmsis_nn_activation){next[-2], next[-1]};
}

static const int8_t *int8(int i)
{
    return (const int8_t *)arrays[i];
}

static int32_t *int32(int i)
{
    return sizes[i] > 0 ? (int32_t *)(void *)arrays[i] : NULL;
}

/* Arrays of a convolution: input, filter, bias, multipliers, shifts. */
static cmsis_nn_per_channel_quant_params per_channel(void)
{
    return (cmsis_nn_per_channel_quant_params){int32(3), int32(4)};
}

static void convolve(void)
{
    const cmsis_nn_dims in = dims(), filter = dims(), out = dims();
    cmsis_nn_conv_params p;
    p.stride = tile();
    p.padding = tile();
    p.dilation = tile();
    p.activation = activation();
    p.input_offset = *next++;
    p.output_offset = *next++;
    const cmsis_nn_per_channel_quant_params quant = per_channel();
    const cmsis_nn_dims bias = {1, 1, 1, out.c};
    const cmsis_nn_context ctx =
        scratch(0, arm_convolve_wrapper_s8_get_buffer_size(&p, &in, &filter, &out));
    check(arm_convolve_wrapper_s8(&ctx, &p, &quant, &in, int8(0), &filter, int8(1), &bias,
                                  int32(2), &out, result));
}

static void depthwise(void)
{
    const cmsis_nn_dims in = dims(), filter = dims(), out = dims();
    cmsis_nn_dw_conv_params p;
    p.stride = tile();
    p.padding = tile();
    p.dilation = tile();
    p.activation = activation();
    p.input_offset = *next++;
    p.output_offset = *next++;
    p.ch_mult = out.c / in.c;
    const cmsis_nn_per_channel_quant_params quant = per_channel();
    const cmsis_nn_dims bias = {1, 1, 1, out.c};
    const cmsis_nn_context ctx =
        scratch(0, arm_depthwise_conv_wrapper_s8_get_buffer_size(&p, &in, &filter, &out));
    check(arm_depthwise_conv_wrapper_s8(&ctx, &p, &quant, &in, int8(0), &filter, int8(1), &bias,
                                        int32(2), &out, result));
}

static void transpose_conv(void)
{
    const cmsis_nn_dims in = dims(), filter = dims(), out = dims();
    cmsis_nn_transpose_conv_params p;
    p.stride = tile();
    p.padding = tile();
    p.padding_offsets = tile();
    p.dilation = (cmsis_nn_tile){1, 1};
    p.activation = activation();
    p.input_offset = *next++;
    p.output_offset = *next++;
    const cmsis_nn_per_channel_quant_params quant = per_channel();
    const cmsis_nn_dims bias = {1, 1, 1, out.c};
    const cmsis_nn_context ctx =
        scratch(0, arm_transpose_conv_s8_get_buffer_size(&p, &in, &filter, &out));
    const cmsis_nn_context reversed =
        scratch(1, arm_transpose_conv_s8_get_reverse_conv_buffer_size(&p, &in, &filter));
    check(arm_transpose_conv_wrapper_s8(&ctx, &reversed, &p, &quant, &in, int8(0), &filter,
                                        int8(1), &bias, int32(2), &out, result));
}

static cmsis_nn_fc_params fc_params(void)
{
    cmsis_nn_fc_params p;
    p.activation = activation();
    p.input_offset = *next++;
    p.filter_offset = *next++;
    p.output_offset = *next++;
    return p;
}

/* Arrays: input, weights, bias. */
static void fully_connected(void)
{
    const int32_t rows = next[0], columns = next[1], outputs = next[2];
    const cmsis_nn_per_tensor_quant_params quant = {next[3], next[4]};
    next += 5;
    const cmsis_nn_fc_params p = fc_params();
    const cmsis_nn_dims in = {rows, 1, 1, columns}, filter = {columns, 1, 1, outputs};
    const cmsis_nn_dims bias = {1, 1, 1, outputs}, out = {rows, 1, 1, outputs};
    const int32_t wanted = arm_fully_connected_s8_get_buffer_size(&filter);
    const cmsis_nn_context sums = scratch(0, wanted);
    if (wanted > 0) {
        int32_t *const at = sums.buf;
        check(arm_vector_sum_s8(at, columns, outputs, int8(1), p.input_offset, p.filter_offset,
                                int32(2)));
    }
    check(arm_fully_connected_s8(&sums, &p, &quant, &in, int8(0), &filter, int8(1), &bias,
                                 wanted > 0 ? NULL : int32(2), &out, result));
}

static void batch_matmul(void)
{
    const cmsis_nn_dims left = dims(), right = dims(), out = dims();
    const cmsis_nn_per_tensor_quant_params quant = {next[0], next[1]};
    next += 2;
    const cmsis_nn_bmm_params p = {false, false, fc_params()};
    const cmsis_nn_context ctx = scratch(0, arm_fully_connected_s8_get_buffer_size(&out));
    check(arm_batch_matmul_s8(&ctx, &p, &quant, &left, int8(0), &right, int8(1), &out, result));
}

static void vector_sum(void)
{
    check(arm_vector_sum_s8((int32_t *)(void *)result, next[0], next[1], int8(0), next[2], next[3],
                            int32(1)));
}

static void add(void)
{
    check(arm_elementwise_add_s8(int8(0), int8(1), next[0], next[1], next[2], next[3], next[4],
                                 next[5], next[6], result, next[7], next[8], next[9], next[10],
                                 next[11], header.result_bytes));
}

static void mul(void)
{
    check(arm_elementwise_mul_s8(int8(0), int8(1), next[0], next[1], result, next[2], next[3],
                                 next[4], next[5], next[6], header.result_bytes));
}

static void pool(bool mean)
{
    const cmsis_nn_dims in = dims(), filter = dims(), out = dims();
    cmsis_nn_pool_params p;
    p.stride = tile();
    p.padding = tile();
    p.activation = activation();
    if (mean) {
        const cmsis_nn_context ctx = scratch(0, arm_avgpool_s8_get_buffer_size(out.w, in.c));
        check(arm_avgpool_s8(&ctx, &p, &in, int8(0), &filter, &out, result));
    } else {
        const cmsis_nn_context none = {NULL, 0};
        check(arm_max_pool_s8(&none, &p, &in, int8(0), &filter, &out, result));
    }
}

static void softmax(void)
{
    arm_softmax_s8(int8(0), next[0], next[1], next[2], next[3], next[4], result);
}

static void transpose(void)
{
    const cmsis_nn_dims in = dims(), out = dims();
    uint32_t axes[4];
    memcpy(axes, next + 1, sizeof axes);
    const cmsis_nn_transpose_params p = {next[0], axes};
    check(arm_transpose_s8(int8(0), result, &in, &out, &p));
}

static void pad(void)
{
    const cmsis_nn_dims in = dims(), before = dims(), after = dims();
    check(arm_pad_s8(int8(0), result, (int8_t)*next, &in, &before, &after));
}

static void select_one(bool largest)
{
    const cmsis_nn_context none = {NULL, 0};
    const cmsis_nn_dims a = dims(), b = dims(), out = dims();
    check((largest ? arm_maximum_s8 : arm_minimum_s8)(&none, int8(0), &a, int8(1), &b, result,
                                                      &out));
}

static void avg_pool(void)
{
    pool(true);
}

static void max_pool(void)
{
    pool(false);
}

static void minimum(void)
{
    select_one(false);
}

static void maximum(void)
{
    select_one(true);
}

/* In the order of kernel_cases.py. */
static void (*const kernels[])(void) = {
    convolve, depthwise, transpose_conv, fully_connected, batch_matmul, vector_sum, add,    mul,
    avg_pool, max_pool,  softmax,        transpose,       pad,          minimum,    maximum};

static void read_case(int32_t file)
{
    used = 0;
    read_bytes(file, &header, sizeof header);
    read_bytes(file, ints, (uint32_t)header.ints * sizeof ints[0]);
    read_bytes(file, sizes, (uint32_t)header.arrays * sizeof sizes[0]);
    for (int32_t i = 0; i < header.arrays; i++) {
        const bool words = sizes[i] % 4 == 0;
        arrays[i] = i == header.last ? ram_end - sizes[i]
                                     : allocate(sizes[i], words ? 4 : header.shifted);
        if (sizes[i] > 0) {
            read_bytes(file, arrays[i], (uint32_t)sizes[i]);
        }
    }
    result = header.aliased >= 0 ? (int8_t *)arrays[header.aliased]
                                 : (int8_t *)allocate(header.result_bytes,
                                                      header.result_bytes % 4 == 0
                                                          ? 4
                                                          : header.shifted);
    scratches[0] = scratches[1] = NULL;
    next = ints;
}

int main(void)
{
    const int32_t inputs = open_to_read("inputs");
    const int32_t outputs = open_to_write("outputs");
    int32_t count;
    read_bytes(inputs, &count, sizeof count);
    for (case_number = 0; case_number < count; case_number++) {
        read_case(inputs);
        kernels[header.kernel]();
        for (int32_t i = 0; i < header.arrays; i++) {
            if (i != header.last) {
                check_guards(arrays[i], sizes[i]);
            }
        }
        if (header.aliased < 0) {
            check_guards((const uint8_t *)result, header.result_bytes);
        }
        for (int i = 0; i < 2; i++) {
            if (scratches[i] != NULL) {
                check_guards(scratches[i], scratch_bytes[i]);
            }
        }
        write_bytes(outputs, result, (uint32_t)header.result_bytes);
    }
    close_file(outputs);
    say_number(count);
    say(" cases\n");
    return 0;
}
