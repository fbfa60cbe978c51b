/* delta.c -- difference of neighbouring time steps, int8; semantics in delta.py */
#include "ek_delta.h"
#include "ek_fixed.h"

void ek_delta_s8(const ek_delta_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t t = 0; t < p->steps; t++) {
        for (int32_t i = 0; i < p->features; i++) {
            int32_t at = t * p->features + i;
            int32_t difference = t == 0 ? 0 : input[at] - input[at - p->features];
            int32_t level = ek_requantize(difference, p->multiplier, p->shift) + p->output_zero;
            output[at] = (int8_t)ek_clamp(level, -128, 127);
        }
    }
}
