/* lstm_s16.c -- long short-term memory of int16; semantics in edgekit/ops/lstm_s16.py */
#include "ek_lstm_s16.h"
#include "ek_gates.h"
#include "ek_wide.h"

static int32_t saturate(int32_t v)
{
    return ek_clamp(v, -32768, 32767);
}

/* What a gate of one unit gets, in Q3.12. */
static int32_t gate(const ek_lstm_s16_params *p, int32_t k, int32_t unit, const int16_t *x,
                    const int16_t *h)
{
    int32_t row = k * p->units + unit;
    int64_t by_x = ek_wide_dot(x, p->weights_x + row * p->in_c, p->in_c, p->bias_x[row]);
    int64_t by_h = ek_wide_dot(h, p->weights_h + row * p->units, p->units, p->bias_h[row]);
    return saturate(saturate(ek_requantize_wide(by_x, p->multiplier_x[k], p->shift_x[k])) +
                    saturate(ek_requantize_wide(by_h, p->multiplier_h[k], p->shift_h[k])));
}

/* One unit of one step: its cell is renewed, its output returned. The hidden state stays, since the
 * other units still read it. */
static int16_t unit(const ek_lstm_s16_params *p, int32_t i, const int16_t *x, const int16_t *h,
                    int16_t *cell)
{
    int32_t forget = ek_sigmoid16(gate(p, 0, i, x, h), p->sigmoid);
    int32_t keep = ek_sigmoid16(gate(p, 1, i, x, h), p->sigmoid);
    int32_t fresh = ek_tanh16(gate(p, 2, i, x, h), 0, p->sigmoid);
    int32_t show = ek_sigmoid16(gate(p, 3, i, x, h), p->sigmoid);
    int32_t old = saturate(ek_requantize(forget * *cell, p->multiplier_f, p->shift_f));
    int32_t c = old + saturate(ek_requantize(keep * fresh, p->multiplier_i, p->shift_i));
    c = ek_clamp(saturate(c), -p->clip, p->clip);
    *cell = (int16_t)c;
    int32_t v = ek_tanh16(c, p->cell_shift, p->sigmoid) * show;
    return (int16_t)saturate(ek_requantize(v, p->multiplier_o, p->shift_o) + p->output_zero);
}

void ek_lstm_s16(const ek_lstm_s16_params *p, const int8_t *input, int8_t *hidden, int8_t *cell, int8_t *output)
{
    const int16_t *x = ek_halves(input);
    int16_t *h = (int16_t *)(void *)hidden, *cells = (int16_t *)(void *)cell;
    int16_t *out = (int16_t *)(void *)output;
    for (int32_t t = 0; t < p->steps; t++) {
        for (int32_t i = 0; i < p->units; i++) {
            out[i] = unit(p, i, x, h, cells + i);
        }
        for (int32_t i = 0; i < p->units; i++) {
            h[i] = out[i];
        }
        x += p->in_c;
        out += p->units;
    }
}
