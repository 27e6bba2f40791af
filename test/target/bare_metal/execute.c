/*
 * Runs a program on every set of inputs in the file "inputs", and writes "outputs".
 *
 * Before each run the arena is filled with garbage, so that reading an unwritten value shows. After
 * the run, the guards on either side of the arena must be unchanged.
 */
#include <string.h>

#include "machine.h"
#include "program.h"

enum { GARBAGE = 0xA5, GUARD = 0x3C };

static uint8_t *arena(void)
{
    return program_memory + GUARD_BYTES;
}

void *bytes_of(const struct tensor *tensor)
{
    if (tensor->constant != NULL) {
        return (void *)tensor->constant;
    }
    return tensor->bytes == 0 ? NULL : arena() + tensor->offset;
}

void fail(const struct op *op, int code, const char *what, int32_t number)
{
    say("op ");
    say_number((int32_t)(op - program_ops));
    say(", ");
    say(op->name);
    say(": ");
    say(what);
    say(" ");
    say_number(number);
    say("\n");
    leave(code);
}

static uint32_t total_bytes(const struct tensor *tensors, int32_t count)
{
    uint32_t total = 0;
    for (int32_t i = 0; i < count; i++) {
        total += tensors[i].bytes;
    }
    return total;
}

static void fill_memory(void)
{
    memset(program_memory, GUARD, program_arena_bytes + 2 * GUARD_BYTES);
    memset(arena(), GARBAGE, program_arena_bytes);
}

static void check_guards(void)
{
    const uint8_t *const ends[2] = {program_memory, arena() + program_arena_bytes};
    for (int end = 0; end < 2; end++) {
        for (int i = 0; i < GUARD_BYTES; i++) {
            if (ends[end][i] != GUARD) {
                say(end == 0 ? "guard before the arena" : "guard after the arena");
                say(": overwritten at byte ");
                say_number(i);
                say("\n");
                leave(EXIT_GUARD);
            }
        }
    }
}

static void run_ops(void)
{
    for (int32_t i = 0; i < program_op_count; i++) {
        const struct op *op = &program_ops[i];
        /* A scratch must not share bytes with a value that is still needed. */
        memset(arena() + op->scratch.offset, GARBAGE, op->scratch.bytes);
        memset(arena() + op->output_scratch.offset, GARBAGE, op->output_scratch.bytes);
        op->run(op);
    }
}

int main(void)
{
    const int32_t inputs = open_to_read("inputs");
    const int32_t outputs = open_to_write("outputs");
    const uint32_t set = total_bytes(program_inputs, program_input_count);
    const uint32_t bytes = bytes_in(inputs);
    if (set == 0 || bytes == 0 || bytes % set != 0) {
        say("inputs: not a whole number of sets\n");
        leave(EXIT_FILE);
    }
    for (uint32_t run = 0; run < bytes / set; run++) {
        fill_memory();
        for (int32_t i = 0; i < program_input_count; i++) {
            read_bytes(inputs, bytes_of(&program_inputs[i]), program_inputs[i].bytes);
        }
        run_ops();
        for (int32_t i = 0; i < program_output_count; i++) {
            write_bytes(outputs, bytes_of(&program_outputs[i]), program_outputs[i].bytes);
        }
        check_guards();
    }
    close_file(outputs);
    say_number((int32_t)(bytes / set));
    say(" runs of ");
    say_number(program_op_count);
    say(" ops\n");
    return 0;
}
