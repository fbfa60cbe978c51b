/* lstm_sequence.c -- long short-term memory from given states, int8; semantics in edgekit/ops/lstm_sequence.py */
#include "ek_lstm_sequence.h"
#include "ek_gates.h"
#include "ek_recurrent.h"

/* What gate k of one unit gets, k counted through both directions. */
static int32_t gate(const ek_lstm_sequence_params *p, int32_t k, int32_t i, const int8_t *x, const int8_t *h)
{
    int32_t row = k * p->units + i;
    int32_t by_x = ek_gate_sum(x, p->in_c, p->weights_x, p->bias_x, row, p->multiplier_x[k], p->shift_x[k]);
    int32_t by_h = ek_gate_sum(h, p->units, p->weights_h, p->bias_h, row, p->multiplier_h[k], p->shift_h[k]);
    return ek_saturate16(by_x + by_h);
}

/* One unit of one step: its cell is renewed, its output returned. The hidden state stays, since the
 * other units still read it. */
static int8_t unit(const ek_lstm_sequence_params *p, int32_t k, int32_t i, const int8_t *x, const int8_t *h, int16_t *cell)
{
    int32_t forget = ek_sigmoid16(gate(p, k, i, x, h), p->sigmoid);
    int32_t keep = ek_sigmoid16(gate(p, k + 1, i, x, h), p->sigmoid);
    int32_t fresh = ek_tanh16(gate(p, k + 2, i, x, h), 0, p->sigmoid);
    int32_t show = ek_sigmoid16(gate(p, k + 3, i, x, h), p->sigmoid);
    int32_t old = ek_saturate16(ek_requantize(forget * cell[i], p->multiplier_f, p->shift_f));
    int32_t c = old + ek_saturate16(ek_requantize(keep * fresh, p->multiplier_i, p->shift_i));
    c = ek_clamp(ek_saturate16(c), -p->clip, p->clip);
    cell[i] = (int16_t)c;
    int32_t v = ek_tanh16(c, p->cell_shift, p->sigmoid) * show;
    v = ek_requantize(v, p->multiplier_o, p->shift_o) + p->output_zero;
    return (int8_t)ek_clamp(v, -128, 127);
}

void ek_lstm_sequence_s8(const ek_lstm_sequence_params *p, const int8_t *input, const int8_t *hidden0,
                         const int8_t *cell0, int8_t *output, int8_t *hidden, int8_t *cell)
{
    int32_t states = p->directions * p->batch * p->units;
    (void)ek_copy(hidden, hidden0, states);
    (void)ek_copy(cell, cell0, 2 * states);
    for (int32_t s = 0; s < p->directions * p->batch; s++) {
        int32_t d = s / p->batch, b = s % p->batch;
        int8_t *h = hidden + s * p->units;
        int16_t *c = (int16_t *)(void *)cell + s * p->units;
        for (int32_t n = 0; n < p->steps; n++) {
            int32_t t = p->backward != d ? p->steps - 1 - n : n;
            const int8_t *x = input + t * p->x_step + b * p->x_batch;
            int8_t *y = output + t * p->y_step + b * p->y_batch + d * p->y_direction;
            for (int32_t i = 0; i < p->units; i++) {
                y[i] = unit(p, 4 * d, i, x, h, c);
            }
            (void)ek_copy(h, y, p->units);
        }
    }
}
