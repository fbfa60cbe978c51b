/* prelu_s16.c -- rectifier with slopes, int16; semantics in edgekit/ops/prelu_s16.py */
#include "ek_prelu_s16.h"
#include "ek_wide.h"

static inline int32_t prelu(const ek_prelu_s16_params *p, int32_t x, int32_t alpha)
{
    return x >= 0 ? ek_requantize(x, p->multiplier1, p->shift1)
                  : ek_requantize(x * alpha, p->multiplier2, p->shift2);
}

void ek_prelu_s16(const ek_prelu_s16_params *p, const int8_t *input, const int8_t *alpha, int8_t *output)
{
    EK_WIDE_WALK(p, input, alpha, output, prelu);
}
