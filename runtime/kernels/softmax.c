/* softmax.c -- softmax of rows, int8; semantics in edgekit/ops/softmax.py */
#include "ek_softmax.h"
#include "ek_fixed.h"

/* 2^63 / total, total normalised to [2^31, 2^32), in Q0.31: three Newton-Raphson steps on Q2.29 */
static int32_t reciprocal(uint32_t total)
{
    int32_t half = (int32_t)((total >> 1) + (total & 1u)); /* in [1/2, 1] as Q0.31 */
    int32_t x = 1515870810 + ek_multiply_high(-1010580540, half); /* 48/17 - 32/17 half */
    for (int i = 0; i < 3; i++) {
        x += ek_multiply_high(x, (1 << 29) - ek_multiply_high(half, x)) * 4;
    }
    return x >= (1 << 30) ? INT32_MAX : x * 2;
}

static int32_t largest(const int8_t *x, int32_t n)
{
    int32_t top = x[0];
    for (int32_t i = 1; i < n; i++) {
        top = x[i] > top ? x[i] : top;
    }
    return top;
}

static void softmax_row(const int32_t *exps, const int8_t *input, int8_t *output, int32_t depth)
{
    int32_t top = largest(input, depth);
    uint32_t total = 0; /* Q12.19 */
    for (int32_t i = 0; i < depth; i++) {
        total += ((uint32_t)exps[top - input[i]] + 2048u) >> 12;
    }
    int32_t exponent = 35;
    for (; total < UINT32_C(0x80000000); total <<= 1) {
        exponent--;
    }
    int32_t inverse = reciprocal(total);
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
