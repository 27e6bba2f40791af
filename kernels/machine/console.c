/* Numbers on the console. */
#include "machine.h"

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
