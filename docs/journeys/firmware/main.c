/* Recognizes one digit, and prints the scores. */
#include "digits.h"
#include "machine.h" /* a console: on your board, use your own */

static DIGITS_ARENA(arena);

static const float pixels[64] = {
    0, 0, 5,  13, 9,  1,  0, 0, 0, 0, 13, 15, 10, 15, 5, 0,
    0, 3, 15, 2,  0,  11, 8, 0, 0, 4, 12, 0,  0,  8,  8, 0,
    0, 5, 8,  0,  0,  9,  8, 0, 0, 4, 11, 0,  1,  12, 7, 0,
    0, 2, 14, 5,  10, 12, 0, 0, 0, 0, 6,  13, 10, 0,  0, 0,
};

int main(void)
{
    float real[64];
    int8_t image[DIGITS_INPUT_0_BYTES], scores[DIGITS_OUTPUT_0_BYTES];
    const void *const inputs[] = {image};
    void *const outputs[] = {scores};

    for (int i = 0; i < 64; i++) {
        real[i] = pixels[i] / 16;
    }
    digits_quantize_input_0(real, image);
    if (digits_run(arena, inputs, outputs) != 0) {
        return 1;
    }
    int best = 0;
    for (int i = 0; i < 10; i++) {
        say_number(scores[i]);
        say(" ");
        best = scores[i] > scores[best] ? i : best;
    }
    say("\nthe digit is ");
    say_number(best);
    say("\n");
    return 0;
}
