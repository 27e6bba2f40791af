/*
 * Which instruction set the kernels are compiled for.
 *
 * CMOPT_MVE: vectors of M52, M55 and M85. CMOPT_DSP: the DSP extension of M4, M7 and M33. Neither:
 * portable C. All compute the same bytes. CMOPT_PORTABLE selects portable C on every core.
 *
 * The assembly of the DSP extension needs all registers. So it is not used without optimization,
 * and a build with -fno-omit-frame-pointer has to define CMOPT_PORTABLE.
 */
#ifndef CMOPT_CMSIS_NN_ISA_H
#define CMOPT_CMSIS_NN_ISA_H

#if !defined(CMOPT_PORTABLE) && !defined(__ARM_BIG_ENDIAN)
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define CMOPT_MVE 1
#elif defined(__ARM_FEATURE_DSP) && (__ARM_FEATURE_DSP == 1) && defined(__OPTIMIZE__)
#define CMOPT_DSP 1
#endif
#endif

/* A function that is part of a loop: it is compiled into its caller, also with -O2. */
#if defined(__GNUC__)
#define CMOPT_INLINE static inline __attribute__((always_inline))
#else
#define CMOPT_INLINE static inline
#endif

/* A function whose registers are its own: it has assembly, or is large. */
#if defined(__GNUC__)
#define CMOPT_NOINLINE static __attribute__((noinline, unused))
#else
#define CMOPT_NOINLINE static
#endif

/* Hides from the compiler how a variable in a register was computed. */
#if defined(__GNUC__)
#define CMOPT_OPAQUE(variable) __asm__("" : "+r"(variable))
#else
#define CMOPT_OPAQUE(variable) ((void)0)
#endif

#endif /* CMOPT_CMSIS_NN_ISA_H */
