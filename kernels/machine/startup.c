/* Reset calls main. An exception prints a line on the console and ends the run. */
#include <stdint.h>
#include <string.h>

#include "machine.h"

/* Coprocessor access and fault status, at the same addresses on every Cortex-M that has them. */
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CFSR (*(volatile uint32_t *)0xE000ED28u)
#define CPACR_FULL_ACCESS_CP10_CP11 (0xFu << 20)

extern uint32_t stack_top;
extern uint8_t data_begin[], data_end[], data_image[], bss_begin[], bss_end[];

int main(void);

/* The registers that an exception saves on the stack. */
struct frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, psr;
};

__attribute__((used)) static void report_exception(const struct frame *frame, uint32_t number)
{
    say("fault: exception ");
    say_number((int32_t)number);
    say(" at ");
    say_address(frame->pc);
    say(", CFSR ");
    say_address(CFSR);
    say("\n");
    leave(EXIT_FAULT);
}

__attribute__((naked)) static void exception(void)
{
    __asm__("mrs r0, msp\n"
            "mrs r1, ipsr\n"
            "b report_exception\n");
}

/* Enables FPU and vector unit. Instructions that use them must come after this. */
__attribute__((noinline)) static void start(void)
{
    memcpy(data_begin, data_image, (size_t)(data_end - data_begin));
    memset(bss_begin, 0, (size_t)(bss_end - bss_begin));
    leave(main());
}

__attribute__((noreturn)) void reset(void)
{
    CPACR |= CPACR_FULL_ACCESS_CP10_CP11;
    __asm__ volatile("dsb\n isb" ::: "memory");
    start();
    for (;;) {
    }
}

/* Reset and the 14 exceptions of the core. Interrupts are never enabled. */
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top, reset,     exception, exception, exception, exception, exception, exception,
    exception,  exception, exception, exception, exception, exception, exception, exception,
};
