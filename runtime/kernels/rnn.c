/* rnn.c -- simple recurrent layer, int8; semantics in edgekit/ops/rnn.py */
#include "ek_rnn.h"
#include "ek_gates.h"
#include "ek_recurrent.h"

static int8_t unit(const ek_rnn_params *p, int32_t d, int32_t i, const int8_t *x, const int8_t *h)
{
    int32_t row = d * p->units + i;
    int32_t v = ek_gate_sum(x, p->in_c, p->weights_x, p->bias_x, row, p->multiplier_x[d], p->shift_x[d]);
    v += ek_gate_sum(h, p->units, p->weights_h, p->bias_h, row, p->multiplier_h[d], p->shift_h[d]);
    v = ek_saturate16(v);
    v = p->rectify ? ek_clamp(v, 0, 32767) : ek_tanh16(v, 0, p->sigmoid);
    v = ek_requantize(v, p->multiplier_o, p->shift_o) + p->output_zero;
    return (int8_t)ek_clamp(v, -128, 127);
}

void ek_rnn_s8(const ek_rnn_params *p, const int8_t *input, const int8_t *hidden0, int8_t *output, int8_t *hidden)
{
    (void)ek_copy(hidden, hidden0, p->directions * p->batch * p->units);
    for (int32_t s = 0; s < p->directions * p->batch; s++) {
        int32_t d = s / p->batch, b = s % p->batch;
        int8_t *h = hidden + s * p->units;
        for (int32_t n = 0; n < p->steps; n++) {
            int32_t t = p->backward != d ? p->steps - 1 - n : n;
            const int8_t *x = input + t * p->x_step + b * p->x_batch;
            int8_t *y = output + t * p->y_step + b * p->y_batch + d * p->y_direction;
            for (int32_t i = 0; i < p->units; i++) {
                y[i] = unit(p, d, i, x, h);
            }
            (void)ek_copy(h, y, p->units);
        }
    }
}
