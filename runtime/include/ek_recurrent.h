/* ek_recurrent.h -- sums into the gates of recurrent layers; twin of edgekit/families/sequence.py */
#ifndef EK_RECURRENT_H
#define EK_RECURRENT_H

#include "ek_bytes.h"
#include "ek_fixed.h"

static inline int32_t ek_saturate16(int32_t v)
{
    return ek_clamp(v, -32768, 32767);
}

/* What an operand of n elements adds to a gate of one unit, whose weights are row number `row`. Two
 * of them can be added. */
static inline int32_t ek_gate_sum(const int8_t *x, int32_t n, const int8_t *weights, const int32_t *bias, int32_t row,
                                  int32_t multiplier, int32_t shift)
{
    const int8_t *w = weights + row * n;
    int32_t sum = bias[row];
    for (int32_t i = 0; i < n; i++) {
        sum += x[i] * w[i];
    }
    return ek_clamp(ek_requantize(sum, multiplier, shift), -0x3FFFFFFF, 0x3FFFFFFF);
}

#endif
