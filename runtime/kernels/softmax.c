/* softmax.c -- softmax of rows, int8; semantics in edgekit/ops/softmax.py */
#include "ek_softmax.h"
#include "ek_exps.h"

static void softmax_row(const int32_t *exps, const int8_t *input, int8_t *output, int32_t depth)
{
    int32_t top = ek_largest(input, depth);
    uint32_t total = ek_sum_of_exps(exps, input, top, depth);
    int32_t exponent = 35;
    for (; total < UINT32_C(0x80000000); total <<= 1) {
        exponent--;
    }
    int32_t inverse = ek_reciprocal(total);
    if (exponent > 31) { /* a sum of 512 and more: every result is below one half */
        inverse = 0;
        exponent = 31;
    }
    for (int32_t i = 0; i < depth; i++) {
        int32_t v = ek_multiply_high(exps[top - input[i]], inverse);
        output[i] = (int8_t)ek_clamp(ek_rounding_shift(v, exponent) - 128, -128, 127);
    }
}

void ek_softmax_s8(const ek_softmax_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        softmax_row(p->exps, input + row * p->depth, output + row * p->depth, p->depth);
    }
}
