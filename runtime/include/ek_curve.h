/* ek_curve.h -- functions of int16 between 513 points; twin of edgekit/families/curve.py */
#ifndef EK_CURVE_H
#define EK_CURVE_H

#include <stdint.h>

/* The value at x, -32768..32767, on the chord between the two points beside it. */
static inline int32_t ek_curve(int32_t x, const int16_t *table)
{
    int32_t at = (x + 32768) >> 7, rest = (x + 32768) & 127;
    return table[at] + (((table[at + 1] - table[at]) * rest + 64) >> 7);
}

#endif
