/* ek_elementwise.h -- one element of the operators with two operands, for flat and broadcast loops.
 * Macros, because the two kinds of loop have parameter structs of their own with the same fields. */
#ifndef EK_ELEMENTWISE_H
#define EK_ELEMENTWISE_H

#include "ek_fixed.h"

/* ek_requantize(half_of_x, multiplier, -right) for |x| < 2^31 and right >= 1. The doubled operand
 * puts the product's high word where it is needed; v - 1 for negative v makes ties go away from
 * zero, and shifting in two parts needs no half and cannot overflow. */
static inline int32_t ek_scale_doubled(int32_t x, int32_t multiplier, int32_t right)
{
    int32_t v = ek_multiply_doubled(x, multiplier);
    return (((v + (v >> 31)) >> (right - 1)) + 1) >> 1;
}

#define EK_ADD_OPERAND(p, x, k)                                                                    \
    ek_scale_doubled((x) * (p).factor##k + (p).offset##k, (p).multiplier##k, (p).right##k)

#define EK_ADD(p, a, b)                                                                            \
    (int8_t)ek_clamp(                                                                              \
        ek_scale_doubled((EK_ADD_OPERAND(p, a, 1) + EK_ADD_OPERAND(p, b, 2) * (p).sign2) * 2,      \
                         (p).multiplier, (p).right) + (p).output_zero,                             \
        (p).out_min, (p).out_max)

#define EK_MUL(p, a, b)                                                                            \
    (int8_t)ek_clamp(ek_requantize(((a) - (p).zero1) * ((b) - (p).zero2), (p).multiplier,          \
                                   (p).shift) + (p).output_zero,                                   \
                     (p).out_min, (p).out_max)

#endif
