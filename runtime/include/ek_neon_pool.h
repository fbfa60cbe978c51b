/* ek_neon_pool.h -- sums of cells, eight channels at a time, in 16 bits */
#ifndef EK_NEON_POOL_H
#define EK_NEON_POOL_H

#include "ek_neon.h"

/* The block of n channels from c on; the last one overlaps the one before it. */
static inline int32_t ek_neon_block(int32_t c, int32_t n, int32_t channels)
{
    return c + n <= channels ? c : channels - n;
}

/* `count` cells, `step` bytes apart, added to the sums. */
static inline int16x8_t ek_neon_add_cells(int16x8_t sums, const int8_t *x, int32_t step,
                                          int32_t count)
{
    for (; count > 0; count--) {
        sums = vaddw_s8(sums, vld1_s8(x));
        x += step;
    }
    return sums;
}

#endif
