/* ek_rv32.h -- the end of a sum, for RISC-V cores with multiplication (RV32IM) */
#ifndef EK_RV32_H
#define EK_RV32_H

#include "ek_fixed.h"

/* A channel's entry in the table of edgekit/isa/rv32.py: bias, multiplier, rounding, shift. Rounding has
 * half of the last bit and the zero point in it; 1 is taken from a negative sum that is shifted, so
 * that ties go away from zero. */
enum { EK_RV32_SCALE = 4 };

/* Functions whose inner loop needs every register: by themselves, and as they are written. GCC would
 * load far ahead and run out of registers. */
#if defined(__GNUC__) && !defined(__clang__)
#define EK_RV32_LOOP static __attribute__((noinline, optimize("no-schedule-insns")))
#else
#define EK_RV32_LOOP static __attribute__((noinline))
#endif

static inline int8_t ek_rv32_output(int32_t sum, int32_t multiplier, int32_t rounding,
                                    int32_t shift, int32_t low, int32_t high)
{
    int32_t v = ek_multiply_doubled(2 * sum, multiplier) + rounding;
    if (shift > 0) {
        v = (v + (sum >> 31)) >> shift;
    }
    return (int8_t)ek_clamp(v, low, high);
}

/* The same with the table's entry. Numbers are loaded before a byte is stored, which might change
 * them for all a compiler knows. */
#define EK_RV32_OUTPUT(sum, scale, low, high)                                                      \
    ek_rv32_output(sum, (scale)[1], (scale)[2], (scale)[3], low, high)

#endif
