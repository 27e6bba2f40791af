/*
 * Hints to the compiler about the order of vector code. With eight vector registers, a load or a
 * sum that moves costs a store and a load.
 */
#ifndef CMOPT_CMSIS_NN_MVE_ORDER_H
#define CMOPT_CMSIS_NN_MVE_ORDER_H

/* Keeps a load after those before it. The compiler would load early and then need registers. */
#define CMOPT_MVE_IN_ORDER() __asm__ volatile("" ::: "memory")

/* Makes a pointer new to the compiler. So its elements are addressed from it, and their addresses
 * are not computed before the loop and kept on the stack. */
#define CMOPT_MVE_NEAR(pointer) __asm__("" : "+r"(pointer))

/* Computes two vectors here. The compiler would keep the parts of a sum and add them later. */
#define CMOPT_MVE_NOW(a, b) __asm__ volatile("" : "+w"(a), "+w"(b))

#endif /* CMOPT_CMSIS_NN_MVE_ORDER_H */
