/* Semihosting: a console, files, and the end of the run. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

/* Writes to the console. */
void say(const char *text);
void say_number(int32_t number);
void say_address(uint32_t address);

/* Ends the run. The emulator's exit code is `code`. */
void leave(int code) __attribute__((noreturn));

/* A file in the emulator's working directory. A file that cannot be opened, read or written in full
 * ends the run with EXIT_FILE. */
int32_t open_to_read(const char *name);
int32_t open_to_write(const char *name);
uint32_t bytes_in(int32_t file);
void read_bytes(int32_t file, void *bytes, uint32_t count);
void write_bytes(int32_t file, const void *bytes, uint32_t count);
void close_file(int32_t file);

#endif /* MACHINE_H */
