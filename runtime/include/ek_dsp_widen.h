/* ek_dsp_widen.h -- int8 values as words of two 16-bit values, in the order (0, 2), (1, 3) */
#ifndef EK_DSP_WIDEN_H
#define EK_DSP_WIDEN_H

#include "ek_dsp.h"

/* Four values of one pixel, whose words are `step` words apart. */
static inline void ek_dsp_widen_one(uint32_t *to, int32_t step, uint32_t word)
{
    to[0] = ek_even(word);
    to[step] = ek_odd(word);
}

static inline void ek_dsp_widen_four(uint32_t *to, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    to[0] = ek_even(a);
    to[1] = ek_even(b);
    to[2] = ek_even(c);
    to[3] = ek_even(d);
    to[4] = ek_odd(a);
    to[5] = ek_odd(b);
    to[6] = ek_odd(c);
    to[7] = ek_odd(d);
}

/* The whole fours of n values of one pixel. Returns where the next words go. */
static inline uint32_t *ek_dsp_widen(uint32_t *to, int32_t step, const int8_t *x, int32_t n)
{
    for (; n >= 4; n -= 4) {
        ek_dsp_widen_one(to, step, ek_load4(x));
        to += 2 * step;
        x += 4;
    }
    return to;
}

/* The same of two pixels that lie `pitch` bytes apart, word by word side by side. */
static inline uint32_t *ek_dsp_widen2(uint32_t *to, const int8_t *x, int32_t pitch, int32_t n)
{
    const int8_t *end = x + (n & ~3);
    for (; x != end; x += 4) {
        uint32_t a = ek_load4(x), b = ek_load4(x + pitch);
        to[0] = ek_even(a);
        to[1] = ek_even(b);
        to[2] = ek_odd(a);
        to[3] = ek_odd(b);
        to += 4;
    }
    return to;
}

/* The same of four pixels that lie `pitch` bytes apart, word by word side by side. */
static inline uint32_t *ek_dsp_widen4(uint32_t *to, const int8_t *x, int32_t pitch, int32_t n)
{
    const int8_t *x1 = x + pitch, *x2 = x1 + pitch, *x3 = x2 + pitch;
    for (; n >= 4; n -= 4) {
        ek_dsp_widen_four(to, ek_load4(x), ek_load4(x1), ek_load4(x2), ek_load4(x3));
        to += 8;
        x += 4;
        x1 += 4;
        x2 += 4;
        x3 += 4;
    }
    return to;
}

#endif
