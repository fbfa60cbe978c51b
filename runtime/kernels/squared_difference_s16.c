/* squared_difference_s16.c -- (a - b)^2 of int16; semantics in edgekit/ops/squared_difference_s16.py */
#include "ek_squared_difference_s16.h"
#include "ek_wide.h"

static inline int32_t square(const ek_squared_difference_s16_params *p, int32_t a, int32_t b)
{
    int32_t d = ek_requantize(a, p->multiplier1, p->shift1) -
                ek_requantize(b, p->multiplier2, p->shift2);
    return ek_requantize(d * d, p->multiplier, p->shift);
}

void ek_squared_difference_s16(const ek_squared_difference_s16_params *p, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    EK_WIDE_WALK(p, input1, input2, output, square);
}
