/* lstm.c -- long short-term memory, int8 with an int16 cell; semantics in edgekit/ops/lstm.py */
#include "ek_bytes.h"
#include "ek_fixed.h"
#include "ek_gates.h"
#include "ek_lstm.h"

static int32_t saturate(int32_t v)
{
    return ek_clamp(v, -32768, 32767);
}

static int32_t dot(const int8_t *x, const int8_t *w, int32_t n, int32_t sum)
{
    for (int32_t i = 0; i < n; i++) {
        sum += x[i] * w[i];
    }
    return sum;
}

/* What a gate of one unit gets, in Q3.12. */
static int32_t gate(const ek_lstm_params *p, int32_t k, int32_t unit, const int8_t *x, const int8_t *h)
{
    int32_t row = k * p->units + unit;
    int32_t by_x = dot(x, p->weights_x + row * p->in_c, p->in_c, p->bias_x[row]);
    int32_t by_h = dot(h, p->weights_h + row * p->units, p->units, p->bias_h[row]);
    return saturate(saturate(ek_requantize(by_x, p->multiplier_x[k], p->shift_x[k])) +
                    saturate(ek_requantize(by_h, p->multiplier_h[k], p->shift_h[k])));
}

/* One unit of one step: its cell is renewed, its output returned. The hidden state stays, since the
 * other units still read it. */
static int8_t unit(const ek_lstm_params *p, int32_t i, const int8_t *x, const int8_t *h, int16_t *cell)
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
    v = ek_requantize(v, p->multiplier_o, p->shift_o) + p->output_zero;
    return (int8_t)ek_clamp(v, -128, 127);
}

void ek_lstm_s8(const ek_lstm_params *p, const int8_t *input, int8_t *hidden, int8_t *cell, int8_t *output)
{
    int16_t *cells = (int16_t *)(void *)cell;
    for (int32_t t = 0; t < p->steps; t++) {
        for (int32_t i = 0; i < p->units; i++) {
            output[i] = unit(p, i, input, hidden, cells + i);
        }
        (void)ek_copy(hidden, output, p->units);
        input += p->in_c;
        output += p->units;
    }
}
