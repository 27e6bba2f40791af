/*
 * What a test program needs of the machine it runs on: a console, files, and the end of the run.
 *
 * On a bare core this is Arm semihosting (semihosting.c, startup.c, link.ld). On a host it is the C
 * library (host.c).
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

/* Exit codes of failed runs. */
enum {
    EXIT_WRONG = 79,  /* other bytes than expected */
    EXIT_FILE = 80,   /* an input is missing or is not a whole number of sets */
    EXIT_STEP = 81,   /* a kernel refused its arguments */
    EXIT_GUARD = 83,  /* bytes before or after the arena were overwritten */
    EXIT_FAULT = 84,  /* the core took an exception */
};

/* The instructions between these two are counted by count_instructions.c. */
#ifdef __arm__
#define COUNT_BEGIN __asm__ volatile("mov r9, r9" ::: "memory")
#define COUNT_END __asm__ volatile("mov r10, r10" ::: "memory")
#else
#define COUNT_BEGIN (void)0
#define COUNT_END (void)0
#endif

/* Writes to the console. */
void say(const char *text);
void say_number(int32_t number);
void say_address(uint32_t address);

/* Ends the run with an exit code. */
void leave(int code) __attribute__((noreturn));

/* A file in the working directory. A file that cannot be opened, read or written in full ends the
 * run with EXIT_FILE. */
int32_t open_to_read(const char *name);
int32_t open_to_write(const char *name);
uint32_t bytes_in(int32_t file);
void read_bytes(int32_t file, void *bytes, uint32_t count);
void write_bytes(int32_t file, const void *bytes, uint32_t count);
void close_file(int32_t file);

/* Fills the unused stack with a pattern. The second function returns how many bytes below its
 * caller's frame have been used since then; always 0 on a host. */
void paint_stack(void);
uint32_t used_stack_bytes(void);

#endif /* MACHINE_H */
