/* Arm semihosting, without the files of a C library. */
#include "machine.h"

#include <string.h>

enum request {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_FLEN = 0x0c,
    SYS_EXIT_EXTENDED = 0x20,
};

enum { MODE_READ_BINARY = 1, MODE_WRITE_BINARY = 5 };

#define REASON_APPLICATION_EXIT 0x20026

static int32_t request(enum request number, const void *arguments)
{
    register int32_t r0 __asm__("r0") = (int32_t)number;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void say(const char *text)
{
    request(SYS_WRITE0, text);
}

void leave(int code)
{
    const uint32_t arguments[2] = {REASON_APPLICATION_EXIT, (uint32_t)code};
    request(SYS_EXIT_EXTENDED, arguments);
    for (;;) {
    }
}

static void require(int holds, const char *what)
{
    if (!holds) {
        say("file: ");
        say(what);
        say("\n");
        leave(EXIT_FILE);
    }
}

static int32_t open_file(const char *name, uint32_t mode)
{
    const uint32_t arguments[3] = {(uint32_t)name, mode, strlen(name)};
    const int32_t file = request(SYS_OPEN, arguments);
    require(file != -1, name);
    return file;
}

int32_t open_to_read(const char *name)
{
    return open_file(name, MODE_READ_BINARY);
}

int32_t open_to_write(const char *name)
{
    return open_file(name, MODE_WRITE_BINARY);
}

uint32_t bytes_in(int32_t file)
{
    const int32_t arguments[1] = {file};
    const int32_t count = request(SYS_FLEN, arguments);
    require(count >= 0, "no length");
    return (uint32_t)count;
}

/* The result of reading and writing is the number of bytes that were not transferred. */
static uint32_t transfer(enum request number, int32_t file, const void *bytes, uint32_t count)
{
    const uint32_t arguments[3] = {(uint32_t)file, (uint32_t)bytes, count};
    return (uint32_t)request(number, arguments);
}

void read_bytes(int32_t file, void *bytes, uint32_t count)
{
    require(transfer(SYS_READ, file, bytes, count) == 0, "read fell short");
}

void write_bytes(int32_t file, const void *bytes, uint32_t count)
{
    require(transfer(SYS_WRITE, file, bytes, count) == 0, "write fell short");
}

void close_file(int32_t file)
{
    const int32_t arguments[1] = {file};
    require(request(SYS_CLOSE, arguments) == 0, "close failed");
}

/* The end of the stack, from link.ld. */
extern uint32_t stack_end[];

enum { PAINT = 0x51AC0FFE, LEFT_ALONE = 16 /* words below this function's frame */ };

__attribute__((noinline)) void paint_stack(void)
{
    uint32_t *const frame = __builtin_frame_address(0);
    for (volatile uint32_t *word = stack_end; word < frame - LEFT_ALONE; word++) {
        *word = PAINT;
    }
}

__attribute__((noinline)) uint32_t used_stack_bytes(void)
{
    const uint32_t *const frame = __builtin_frame_address(0);
    const volatile uint32_t *word = stack_end;
    while (word < frame - LEFT_ALONE && *word == PAINT) {
        word++;
    }
    return (uint32_t)((const uint8_t *)frame - (const uint8_t *)(uintptr_t)word);
}
