/* prelu.c -- rectifier with a slope per element or channel; semantics in edgekit/ops/prelu.py */
#include "ek_prelu.h"
#include "ek_fixed.h"

static int8_t prelu(const ek_prelu_params *p, int32_t x, int32_t alpha)
{
    int32_t d = x - p->input_zero;
    int32_t v = d >= 0 ? ek_requantize(d, p->multiplier1, p->shift1)
                       : ek_requantize(d * (alpha - p->alpha_zero), p->multiplier2, p->shift2);
    return (int8_t)ek_clamp(v + p->output_zero, -128, 127);
}

void ek_prelu_s8(const ek_prelu_params *p, const int8_t *input, const int8_t *alpha, int8_t *output)
{
    const int32_t *size = p->shape, *s1 = p->stride1, *s2 = p->stride2;
    for (int32_t i = 0; i < size[0]; i++) {
        for (int32_t j = 0; j < size[1]; j++) {
            for (int32_t k = 0; k < size[2]; k++) {
                const int8_t *a = input + i * s1[0] + j * s1[1] + k * s1[2];
                const int8_t *b = alpha + i * s2[0] + j * s2[1] + k * s2[2];
                for (int32_t c = 0; c < size[3]; c++) {
                    *output++ = prelu(p, a[c * s1[3]], b[c * s2[3]]);
                }
            }
        }
    }
}
