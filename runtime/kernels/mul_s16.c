/* mul_s16.c -- products of int16, operands may repeat; semantics in edgekit/ops/mul_s16.py */
#include "ek_mul_s16.h"
#include "ek_wide.h"

static inline int32_t product(const ek_mul_s16_params *p, int32_t a, int32_t b)
{
    return ek_requantize(a * b, p->multiplier, p->shift);
}

void ek_mul_s16(const ek_mul_s16_params *p, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    EK_WIDE_WALK(p, input1, input2, output, product);
}
