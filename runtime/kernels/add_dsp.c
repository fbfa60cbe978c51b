/* add_dsp.c -- a + b, int8, with DSP; semantics in edgekit/ops/add.py
 *
 * The operand of the larger scale is rescaled by exactly one half: a shift. Only the other one, and
 * the sum, are multiplied and rounded. */
#include "ek_add_dsp.h"
#include "ek_dsp.h"

/* Twice the rescaled scaled operand. */
static inline int32_t operand(const ek_add_dsp_params *p, int32_t x)
{
    int32_t twice = x * p->factor + p->offset;
    int32_t v = ek_multiply_high_add(twice, p->multiplier1, p->rounding1);
    return (v + (twice >> 31)) >> p->right1;
}

static inline int8_t sum(const ek_add_dsp_params *p, int32_t exact, int32_t scaled)
{
    int32_t twice = exact * (1 << 20) + p->exact_offset + 2 * scaled;
    int32_t v = ek_multiply_high_add(twice, p->multiplier, p->rounding);
    return (int8_t)ek_saturate8((v + (twice >> 31)) >> p->right);
}

void ek_add_s8_dsp(const ek_add_dsp_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    const ek_add_dsp_params q = *p; /* a store through output might change *p, for all GCC knows */
    const int8_t *exact = q.swapped ? input2 : input1, *scaled = q.swapped ? input1 : input2;
    int32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint32_t a = ek_load4(exact + i), b = ek_load4(scaled + i);
        int32_t r0 = operand(&q, (int8_t)b), r1 = operand(&q, (int8_t)(b >> 8));
        int32_t r2 = operand(&q, (int8_t)(b >> 16)), r3 = operand(&q, (int8_t)(b >> 24));
        output[i] = sum(&q, (int8_t)a, r0);
        output[i + 1] = sum(&q, (int8_t)(a >> 8), r1);
        output[i + 2] = sum(&q, (int8_t)(a >> 16), r2);
        output[i + 3] = sum(&q, (int8_t)(a >> 24), r3);
    }
    for (; i < n; i++) {
        output[i] = sum(&q, exact[i], operand(&q, scaled[i]));
    }
    ek_dsp_clamp(output, n, q.out_min, q.out_max);
}
