/* add_s16.c -- sums and differences of int16, operands may repeat; semantics in edgekit/ops/add_s16.py */
#include "ek_add_s16.h"
#include "ek_wide.h"

static inline int32_t sum(const ek_add_s16_params *p, int32_t a, int32_t b)
{
    int32_t first = ek_requantize(a * 32768, p->multiplier1, p->shift1);
    int32_t second = ek_requantize(b * 32768, p->multiplier2, p->shift2);
    return ek_requantize(first + p->sign2 * second, p->multiplier, p->shift);
}

void ek_add_s16(const ek_add_s16_params *p, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    EK_WIDE_WALK(p, input1, input2, output, sum);
}
