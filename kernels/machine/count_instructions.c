/*
 * A plugin for QEMU that counts the instructions that an emulated core executes.
 *
 *     cc -shared -fPIC -O2 count_instructions.c -o count_instructions.so
 *     qemu-system-arm … -plugin ./count_instructions.so,out=FILE
 *
 * FILE gets a line for each marker that is executed, with the number of instructions up to it, the
 * marker not included: "begin N" for `mov r9, r9` and "end N" for `mov r10, r10`, which compilers do
 * not emit by themselves. The last line is "total N". Markers are not counted. Counts are exact, and
 * the same at every run. They are instructions, not cycles.
 *
 * Debian's QEMU supports plugins but does not bring their header, so what is used of version 1 of
 * that interface is declared here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *, uint64_t);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *,
                                            void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);

EXPORT int qemu_plugin_version = 1;

enum { ADD_U64 = 0, NO_REGISTERS = 0 };
enum { BEGIN = 0x46c9, END = 0x46d2 };

static uint64_t executed;
static FILE *out;

static void at_marker(unsigned core, void *what)
{
    (void)core;
    fprintf(out, "%s %llu\n", (const char *)what, (unsigned long long)executed);
}

/* An instruction may end its block early by an exception, so each one counts for itself. */
static void on_translation(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *const instruction = qemu_plugin_tb_get_insn(block, i);
        /* The size is not used: QEMU also appends bytes that it looks at behind the last
         * instruction of a page. No instruction of 32 bits begins as a marker does. */
        uint16_t code;
        memcpy(&code, qemu_plugin_insn_data(instruction), sizeof code);
        if (code == BEGIN || code == END) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, at_marker, NO_REGISTERS,
                                                   code == BEGIN ? "begin" : "end");
        } else {
            qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD_U64, &executed, 1);
        }
    }
}

static void on_exit_of_qemu(plugin_id id, void *data)
{
    (void)id;
    (void)data;
    fprintf(out, "total %llu\n", (unsigned long long)executed);
    fclose(out);
}

EXPORT int qemu_plugin_install(plugin_id id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        }
    }
    if (out == NULL) {
        fprintf(stderr, "count_instructions: give a file that can be written, out=FILE\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
    return 0;
}
