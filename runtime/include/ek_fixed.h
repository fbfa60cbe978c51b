/* ek_fixed.h -- the one integer arithmetic; twin of edgekit/fixed.py, specified in SPEC.md */
#ifndef EK_FIXED_H
#define EK_FIXED_H

#include <stdint.h>

/* Right shifts of negative numbers must be arithmetic (they are on every supported compiler). */
typedef char ek_assert_arithmetic_shift[((-1) >> 1) == -1 ? 1 : -1];

/* floor((x * multiplier + 2^30) / 2^31); multiplier >= 0, so nothing saturates */
static inline int32_t ek_multiply_high(int32_t x, int32_t multiplier)
{
    return (int32_t)(((int64_t)x * multiplier + 0x40000000) >> 31);
}

/* x / 2^exponent to nearest, ties away from zero; exponent 0..31 */
static inline int32_t ek_rounding_shift(int32_t x, int32_t exponent)
{
    int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1u);
    int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

/* x * multiplier * 2^(shift - 31), double rounding; x << shift fits int32 (proved at build time).
 * The right shift is ek_rounding_shift in its short form: v - 1 for negative v makes ties go away
 * from zero, and shifting in two parts needs no half and cannot overflow. */
static inline int32_t ek_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift >= 0) {
        return ek_multiply_high((int32_t)((uint32_t)x << shift), multiplier);
    }
    int32_t v = ek_multiply_high(x, multiplier);
    return (((v + (v >> 31)) >> (-shift - 1)) + 1) >> 1;
}

static inline int32_t ek_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

#endif
