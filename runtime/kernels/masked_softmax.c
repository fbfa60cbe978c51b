/* masked_softmax.c -- softmax over some elements of rows, int8; semantics in edgekit/ops/masked_softmax.py */
#include "ek_masked_softmax.h"
#include "ek_exps.h"

static int32_t largest(const int8_t *x, const uint8_t *mask, int32_t n)
{
    int32_t top = -128;
    for (int32_t i = 0; i < n; i++) {
        top = mask[i] && x[i] > top ? x[i] : top;
    }
    return top;
}

static uint32_t sum(const int32_t *exps, const int8_t *x, const uint8_t *mask, int32_t top, int32_t n)
{
    uint32_t total = 0;
    for (int32_t i = 0; i < n; i++) {
        total += mask[i] ? ek_sum_of_exps(exps, x + i, top, 1) : 0;
    }
    return total;
}

static void masked_row(const ek_masked_softmax_params *p, const int8_t *x, const uint8_t *mask, int8_t *output)
{
    int32_t top = largest(x, mask, p->depth);
    uint32_t total = sum(p->exps, x, mask, top, p->depth);
    int32_t exponent = 35;
    for (; total < UINT32_C(0x80000000); total <<= 1) {
        exponent--;
    }
    int32_t inverse = ek_reciprocal(total);
    if (exponent > 31) { /* a sum of 512 and more: every result is below one half */
        inverse = 0;
        exponent = 31;
    }
    for (int32_t i = 0; i < p->depth; i++) {
        int32_t v = mask[i] ? ek_multiply_high(p->exps[top - x[i]], inverse) : 0;
        output[i] = (int8_t)ek_clamp(ek_rounding_shift(v, exponent) - 128, -128, 127);
    }
}

void ek_masked_softmax_s8(const ek_masked_softmax_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t at = row * p->depth;
        masked_row(p, input + at, p->mask + row % p->mask_rows * p->depth, output + at);
    }
}
