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

void say_number(int32_t number)
{
    char text[12];
    char *digit = text + sizeof text;
    uint32_t rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
    *--digit = '\0';
    do {
        *--digit = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0) {
        *--digit = '-';
    }
    say(digit);
}

void say_address(uint32_t address)
{
    char text[] = "0x00000000";
    for (int i = 9; i > 1; i--) {
        text[i] = "0123456789abcdef"[address & 15];
        address >>= 4;
    }
    say(text);
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
