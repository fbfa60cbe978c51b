/* softmax_s16.c -- softmax of int16 along the last axis; semantics in edgekit/ops/softmax_s16.py */
#include "ek_softmax_s16.h"
#include "ek_curve.h"
#include "ek_wide.h"

/* The exponentials of a row's distances from its largest element, to `out`; their sum. */
static uint32_t exponentials(const ek_softmax_s16_params *p, const int16_t *x, int16_t *out)
{
    int32_t largest = x[0];
    uint32_t sum = 0;
    for (int32_t i = 1; i < p->depth; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    for (int32_t i = 0; i < p->depth; i++) {
        int32_t v = ek_requantize(x[i] - largest, p->multiplier, p->shift) + 32767;
        int32_t e = ek_curve(ek_clamp(v, -32768, 32767), p->exps);
        out[i] = (int16_t)e;
        sum += (uint32_t)e;
    }
    return sum;
}

void ek_softmax_s16(const ek_softmax_s16_params *p, const int8_t *input, int8_t *output)
{
    const int16_t *x = ek_halves(input);
    int16_t *out = (int16_t *)(void *)output;
    for (int32_t row = 0; row < p->rows; row++) {
        uint32_t sum = exponentials(p, x, out);
        int32_t bits = 14;
        while (sum >> bits > 1) {
            bits++;
        }
        /* The sum as a number from 1 to 2 with 16 fraction bits. */
        int32_t mantissa = (int32_t)(((sum << (30 - bits)) + (1u << 13)) >> 14);
        int32_t inverse = ek_curve(ek_clamp(mantissa - 98304, -32768, 32767), p->inverses);
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t v = (out[i] * inverse + (1 << (bits - 1))) >> bits;
            out[i] = (int16_t)ek_clamp(v, 0, 32767);
        }
        x += p->depth;
        out += p->depth;
    }
}
