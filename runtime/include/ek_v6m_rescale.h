/* ek_v6m_rescale.h -- from a sum to an output, for Armv6-M, whose products have 32 bits */
#ifndef EK_V6M_RESCALE_H
#define EK_V6M_RESCALE_H

#include "ek_fixed.h"
#include "ek_v6m.h"

#if EK_V6M

/* High word of the rounded product; multiplier >= 0. */
static inline int32_t ek_v6m_multiply(int32_t x, int32_t multiplier)
{
    int32_t high, low, m_low;
    __asm__(".syntax unified\n" EK_V6M_MULTIPLY("%[high]", "%[low]", "%[m_low]", "%[x]", "%[m]")
            : [high] "=&l"(high), [low] "=&l"(low), [m_low] "=&l"(m_low), [x] "+l"(x),
              [m] "+l"(multiplier)
            :
            : "cc");
    return high;
}

#else

static inline int32_t ek_v6m_multiply(int32_t x, int32_t multiplier)
{
    return ek_multiply_doubled(x, multiplier);
}

#endif

/* The rescaling of edgekit/isa/dsp.py; scale: bias, multiplier, rounding, shift. The sum has the bias. */
static inline int32_t ek_v6m_rescale(int32_t sum, const int32_t *scale)
{
    int32_t twice = 2 * sum, v = ek_v6m_multiply(twice, scale[1]) + scale[2], shift = scale[3];
    return shift == 0 ? v : (v + (twice >> 31)) >> shift;
}

#endif
