/* as_real.c -- plain integers in steps of a scale; semantics in edgekit/ops/as_real.py */
#include "ek_as_real.h"
#include "ek_fixed.h"
#include "ek_integers.h"

void ek_as_real_s8(const ek_as_real_params *p, const int8_t *input, int8_t *output, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t x = ek_clamp(ek_load_integer(p->source, input, i), p->low, p->high);
        output[i] = (int8_t)ek_clamp(ek_requantize(x, p->multiplier, p->shift) + p->output_zero, -128, 127);
    }
}
