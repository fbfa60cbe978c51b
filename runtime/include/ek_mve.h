/* ek_mve.h -- what kernels for cores with MVE (Helium) share: copying, filling, one rescaling.
 *
 * Elsewhere everything here and in ek_mve_*.h is C of the same results, so that this code runs on any
 * machine. Loops end in LETP, which leaves out the lanes beyond the last element; so no length needs
 * code of its own, and nothing is read or written behind an array. */
#ifndef EK_MVE_H
#define EK_MVE_H

#include <stdint.h>

#include "ek_bytes.h"
#include "ek_fixed.h"

/* A channel's entry in the table of edgekit/isa/mve.py. */
enum { EK_MVE_BIAS, EK_MVE_MULTIPLIER, EK_MVE_SHIFT, EK_MVE_ZERO, EK_MVE_SCALE };

#if defined(__ARM_FEATURE_MVE)

static inline int8_t *ek_mve_copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    int8_t *end = to + bytes;
    __asm__ volatile("wlstp.8 lr, %2, 2f\n"
                     "1: vldrb.u8 q0, [%1], #16\n"
                     "vstrb.8 q0, [%0], #16\n"
                     "letp lr, 1b\n"
                     "2:\n"
                     : "+r"(to), "+r"(from)
                     : "r"(bytes)
                     : "lr", "q0", "memory");
    return end;
}

static inline int8_t *ek_mve_fill(int8_t *to, int32_t bytes, int8_t value)
{
    int8_t *end = to + bytes;
    __asm__ volatile("vdup.8 q0, %2\n"
                     "wlstp.8 lr, %1, 2f\n"
                     "1: vstrb.8 q0, [%0], #16\n"
                     "letp lr, 1b\n"
                     "2:\n"
                     : "+r"(to)
                     : "r"(bytes), "r"(value)
                     : "lr", "q0", "memory");
    return end;
}

/* Four lanes q0 of sums with the multiplier and shift of `multiplier` and `shift`; q1 and `free` are
 * overwritten. A negative product gets 1 taken away where a shift follows, so that ties go away from
 * zero. */
#define EK_MVE_RESCALE(multiplier, shift, free)                                                    \
    "vqrdmulh.s32 q0, q0, " multiplier "\n"                                                        \
    "vshr.s32 q1, q0, #31\n"                                                                       \
    "lsr " free ", " shift ", #31\n"                                                               \
    "vmla.s32 q0, q1, " free "\n"                                                                  \
    "vrshl.s32 q0, " shift "\n"

#else

#define ek_mve_copy ek_copy
#define ek_mve_fill ek_fill

static inline int8_t ek_mve_output(int32_t sum, const int32_t *scale, int32_t low, int32_t high)
{
    int32_t v = ek_requantize(sum, scale[EK_MVE_MULTIPLIER], scale[EK_MVE_SHIFT]);
    return (int8_t)ek_clamp(v + scale[EK_MVE_ZERO], low, high);
}

#endif

#endif
