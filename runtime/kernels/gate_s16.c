/* gate_s16.c -- logistic function or tanh of int16 by a table; semantics in edgekit/ops/gate_s16.py */
#include "ek_gate_s16.h"
#include "ek_gates.h"
#include "ek_wide.h"

void ek_gate_s16(const ek_gate_s16_params *p, const int8_t *input, int8_t *output, int32_t n)
{
    const int16_t *x = ek_halves(input);
    int16_t *out = (int16_t *)(void *)output;
    int32_t half = p->right > 0 ? 1 << (p->right - 1) : 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t v = (x[i] * p->multiplier + half) >> p->right;
        out[i] = (int16_t)(p->tanh ? ek_tanh_thirds(v, p->sigmoid) : ek_sigmoid_thirds(v, p->sigmoid));
    }
}
