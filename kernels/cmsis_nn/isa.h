/*
 * Which instruction set the kernels are compiled for.
 *
 * CMOPT_MVE: vectors of M52, M55 and M85. CMOPT_DSP: the DSP extension of M4, M7 and M33. Neither:
 * portable C. All compute the same bytes. CMOPT_PORTABLE selects portable C on every core.
 */
#ifndef CMOPT_CMSIS_NN_ISA_H
#define CMOPT_CMSIS_NN_ISA_H

#if !defined(CMOPT_PORTABLE) && !defined(__ARM_BIG_ENDIAN)
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define CMOPT_MVE 1
#elif defined(__ARM_FEATURE_DSP) && (__ARM_FEATURE_DSP == 1)
#define CMOPT_DSP 1
#endif
#endif

/* A function that is part of a loop: it is compiled into its caller, also with -O2. */
#if defined(__GNUC__)
#define CMOPT_INLINE static inline __attribute__((always_inline))
#else
#define CMOPT_INLINE static inline
#endif

/* Hides from the compiler how a variable in a register was computed. */
#if defined(__GNUC__)
#define CMOPT_OPAQUE(variable) __asm__("" : "+r"(variable))
#else
#define CMOPT_OPAQUE(variable) ((void)0)
#endif

#endif /* CMOPT_CMSIS_NN_ISA_H */
