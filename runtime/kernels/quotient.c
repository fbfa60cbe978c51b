/* quotient.c -- a / b, int8; semantics in edgekit/ops/quotient.py */
#include "ek_fixed.h"
#include "ek_quotient.h"

/* (a * inverse * 2^-31) * multiplier * 2^(total - 31), a shifted up as far as it goes before */
static int32_t quotient(const ek_quotient_params *p, int32_t a, int32_t inverse, int32_t bits)
{
    int32_t headroom = 31;
    for (int32_t m = a < 0 ? -a - 1 : a; m > 0; m >>= 1) {
        headroom--;
    }
    /* Both factors may be negative, so that ek_multiply_high's bounds hold for any of them. */
    int32_t q = ek_multiply_high((int32_t)((uint32_t)a << headroom), inverse);
    int32_t total = p->shift - bits - headroom;
    if (total > 0) {
        return q > 0 ? 1 << 20 : q < 0 ? -(1 << 20) : 0;
    }
    return total < -31 ? 0 : ek_rounding_shift(ek_multiply_high(q, p->multiplier), -total);
}

void ek_quotient_s8(const ek_quotient_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        uint8_t b = (uint8_t)input2[i];
        int32_t v = quotient(p, input1[i] - p->zero1, p->inverse[b], p->bits[b]);
        output[i] = (int8_t)ek_clamp(v + p->output_zero, p->out_min, p->out_max);
    }
}
