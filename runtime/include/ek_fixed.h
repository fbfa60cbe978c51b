/* ek_fixed.h -- the one integer arithmetic; twin of edgekit/fixed.py, specified in SPEC.md */
#ifndef EK_FIXED_H
#define EK_FIXED_H

#include <stdint.h>

/* Right shifts of negative numbers must be arithmetic (they are on every supported compiler). */
typedef char ek_assert_arithmetic_shift[((-1) >> 1) == -1 ? 1 : -1];

#if defined(__thumb__) && !defined(__thumb2__)

/* Armv6-M multiplies to 32 bits only, so the product is put together from products of halves.
 * floor((x * multiplier + 2^(31 - more)) / 2^(32 - more)), more 0 or 1 */
static inline int32_t ek_multiply_halves(int32_t x, int32_t multiplier, int32_t more)
{
    int32_t x_high = x >> 16, m_high = multiplier >> 16;
    uint32_t x_low = (uint32_t)x & 0xFFFFu, m_low = (uint32_t)multiplier & 0xFFFFu;
    int32_t middle = x_high * (int32_t)m_low + (int32_t)(x_low * m_low >> 16);
    uint32_t second = x_low * (uint32_t)m_high + ((uint32_t)middle & 0xFFFFu);
    int32_t high = x_high * m_high + (middle >> 16) + (int32_t)(second >> 16);
    int32_t rounded = (int32_t)((second & 0xFFFFu) + (0x8000u >> more)) >> (16 - more);
    return (int32_t)((uint32_t)high << more) + rounded;
}

#define EK_MULTIPLY_HIGH(x, multiplier) ek_multiply_halves(x, multiplier, 1)
#define EK_MULTIPLY_DOUBLED(x, multiplier) ek_multiply_halves(x, multiplier, 0)

#elif defined(__riscv)

/* RISC-V has no carry, so the rounding bit is taken from the product's low half.
 * floor((x * multiplier + 2^(31 - more)) / 2^(32 - more)), more 0 or 1 */
static inline int32_t ek_multiply_rounded(int32_t x, int32_t multiplier, int32_t more)
{
    int64_t product = (int64_t)x * multiplier;
    uint32_t high = (uint32_t)(product >> 32), low = (uint32_t)product >> (31 - more);
    return (int32_t)((high << more) + ((low + (uint32_t)more) >> more));
}

#define EK_MULTIPLY_HIGH(x, multiplier) ek_multiply_rounded(x, multiplier, 1)
#define EK_MULTIPLY_DOUBLED(x, multiplier) ek_multiply_rounded(x, multiplier, 0)

#else

#define EK_MULTIPLY_HIGH(x, multiplier) (int32_t)(((int64_t)(x) * (multiplier) + 0x40000000) >> 31)
#define EK_MULTIPLY_DOUBLED(x, multiplier)                                                         \
    (int32_t)(((int64_t)(x) * (multiplier) + INT64_C(0x80000000)) >> 32)

#endif

/* floor((x * multiplier + 2^30) / 2^31); multiplier >= 0, so nothing saturates */
static inline int32_t ek_multiply_high(int32_t x, int32_t multiplier)
{
    return EK_MULTIPLY_HIGH(x, multiplier);
}

/* The same of half of x: floor((x * multiplier + 2^31) / 2^32) */
static inline int32_t ek_multiply_doubled(int32_t x, int32_t multiplier)
{
    return EK_MULTIPLY_DOUBLED(x, multiplier);
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
