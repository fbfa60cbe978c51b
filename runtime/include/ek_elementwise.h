/* ek_elementwise.h -- one element of the operators with two operands, for flat and broadcast loops.
 * Macros, because the two kinds of loop have parameter structs of their own with the same fields. */
#ifndef EK_ELEMENTWISE_H
#define EK_ELEMENTWISE_H

#include "ek_fixed.h"

static inline int32_t ek_scale_right(int32_t x, int32_t multiplier, int32_t right)
{
    return ek_rounding_shift(ek_multiply_high(x, multiplier), right);
}

#define EK_ADD_OPERAND(p, x, k) ek_scale_right(((x) - (p).zero##k) * 1048576, (p).multiplier##k, (p).right##k)

#define EK_ADD(p, a, b)                                                                            \
    (int8_t)ek_clamp(ek_scale_right(EK_ADD_OPERAND(p, a, 1) + EK_ADD_OPERAND(p, b, 2) * (p).sign2, \
                                    (p).multiplier, (p).right) + (p).output_zero,                  \
                     (p).out_min, (p).out_max)

#define EK_MUL(p, a, b)                                                                            \
    (int8_t)ek_clamp(ek_requantize(((a) - (p).zero1) * ((b) - (p).zero2), (p).multiplier,          \
                                   (p).shift) + (p).output_zero,                                   \
                     (p).out_min, (p).out_max)

#endif
