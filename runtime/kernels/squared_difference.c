/* squared_difference.c -- (a - b)^2, int8; semantics in edgekit/ops/squared_difference.py */
#include "ek_fixed.h"
#include "ek_squared_difference.h"

void ek_squared_difference_s8(const ek_squared_difference_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    const ek_squared_difference_params q = *p; /* a store through output might change *p */
    for (int32_t i = 0; i < n; i++) {
        int32_t a = ek_requantize((input1[i] - q.zero1) * 128, q.multiplier1, q.shift1);
        int32_t b = ek_requantize((input2[i] - q.zero2) * 128, q.multiplier2, q.shift2);
        int32_t v = ek_requantize((a - b) * (a - b), q.multiplier, q.shift) + q.output_zero;
        output[i] = (int8_t)ek_clamp(v, -128, 127);
    }
}
