/* The machine of a test program on a host: the C library. */
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

/* Programs open one file to read and one to write, so the numbers of both are fixed. */
enum { INPUT = 0, OUTPUT = 1 };

static FILE *files[2];

void say(const char *text)
{
    fputs(text, stdout);
}

void leave(int code)
{
    exit(code);
}

static void require(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "file: %s\n", what);
        leave(EXIT_FILE);
    }
}

static int32_t open_file(int32_t number, const char *name, const char *mode)
{
    files[number] = fopen(name, mode);
    require(files[number] != NULL, name);
    return number;
}

int32_t open_to_read(const char *name)
{
    return open_file(INPUT, name, "rb");
}

int32_t open_to_write(const char *name)
{
    return open_file(OUTPUT, name, "wb");
}

uint32_t bytes_in(int32_t file)
{
    require(fseek(files[file], 0, SEEK_END) == 0, "no length");
    const long count = ftell(files[file]);
    require(count >= 0 && fseek(files[file], 0, SEEK_SET) == 0, "no length");
    return (uint32_t)count;
}

void read_bytes(int32_t file, void *bytes, uint32_t count)
{
    require(fread(bytes, 1, count, files[file]) == count, "read fell short");
}

void write_bytes(int32_t file, const void *bytes, uint32_t count)
{
    require(fwrite(bytes, 1, count, files[file]) == count, "write fell short");
}

void close_file(int32_t file)
{
    require(fclose(files[file]) == 0, "close failed");
}

void paint_stack(void)
{
}

uint32_t used_stack_bytes(void)
{
    return 0;
}
