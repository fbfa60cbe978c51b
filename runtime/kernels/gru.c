/* gru.c -- gated recurrent units, int8 with an int16 state; semantics in edgekit/ops/gru.py */
#include "ek_gru.h"
#include "ek_gates.h"
#include "ek_recurrent.h"

static int32_t by_input(const ek_gru_params *p, int32_t k, int32_t i, const int8_t *x)
{
    return ek_gate_sum(x, p->in_c, p->weights_x, p->bias_x, k * p->units + i, p->multiplier_x[k], p->shift_x[k]);
}

static int32_t by_hidden(const ek_gru_params *p, int32_t k, int32_t i, const int8_t *h)
{
    return ek_gate_sum(h, p->units, p->weights_h, p->bias_h, k * p->units + i, p->multiplier_h[k], p->shift_h[k]);
}

static int32_t gate(const ek_gru_params *p, int32_t k, int32_t i, const int8_t *x, const int8_t *h)
{
    return ek_sigmoid16(ek_saturate16(by_input(p, k, i, x) + by_hidden(p, k, i, h)), p->sigmoid);
}

/* A state in the output's steps; of 15 more bits where a gate has multiplied it. */
static int8_t shown(const ek_gru_params *p, int32_t state, int32_t multiplier, int32_t shift)
{
    return (int8_t)ek_clamp(ek_requantize(state, multiplier, shift) + p->output_zero, -128, 127);
}

/* The sum into the candidate of one unit. gated: the hidden state times the reset gate, unit by unit. */
static int32_t candidate(const ek_gru_params *p, int32_t k, int32_t i, const int8_t *x, const int8_t *h,
                         const int8_t *gated)
{
    if (!p->reset_behind) {
        return ek_saturate16(by_input(p, k + 2, i, x) + by_hidden(p, k + 2, i, gated));
    }
    int32_t reset = gate(p, k + 1, i, x, h);
    int32_t kept = ek_rounding_shift(reset * ek_saturate16(by_hidden(p, k + 2, i, h)), 15);
    return ek_saturate16(by_input(p, k + 2, i, x) + kept);
}

/* One step. Each unit renews its own state, which no other unit reads: they read h, which stays. The
 * output serves for the gated hidden state until it is written. */
static void step(const ek_gru_params *p, int32_t k, const int8_t *x, const int8_t *h, int16_t *state, int8_t *y)
{
    if (!p->reset_behind) {
        for (int32_t i = 0; i < p->units; i++) {
            y[i] = shown(p, gate(p, k + 1, i, x, h) * state[i], p->multiplier_g, p->shift_g);
        }
    }
    for (int32_t i = 0; i < p->units; i++) {
        int32_t keep = gate(p, k, i, x, h);
        int32_t fresh = (32768 - keep) * ek_tanh16(candidate(p, k, i, x, h, y), 0, p->sigmoid);
        int32_t sum = keep * state[i] + ek_rounding_shift(fresh, p->state_shift);
        state[i] = (int16_t)ek_saturate16(ek_rounding_shift(sum, 15));
    }
    for (int32_t i = 0; i < p->units; i++) {
        y[i] = shown(p, state[i], p->multiplier_o, p->shift_o);
    }
}

void ek_gru_s8(const ek_gru_params *p, const int8_t *input, const int8_t *state0, int8_t *output, int8_t *hidden,
               int8_t *state)
{
    (void)ek_copy(state, state0, 2 * p->directions * p->batch * p->units);
    for (int32_t s = 0; s < p->directions * p->batch; s++) {
        int32_t d = s / p->batch, b = s % p->batch;
        int8_t *h = hidden + s * p->units;
        int16_t *own = (int16_t *)(void *)state + s * p->units;
        for (int32_t i = 0; i < p->units; i++) {
            h[i] = shown(p, own[i], p->multiplier_o, p->shift_o);
        }
        for (int32_t n = 0; n < p->steps; n++) {
            int32_t t = p->backward != d ? p->steps - 1 - n : n;
            const int8_t *x = input + t * p->x_step + b * p->x_batch;
            int8_t *y = output + t * p->y_step + b * p->y_batch + d * p->y_direction;
            step(p, 3 * d, x, h, own, y);
            (void)ek_copy(h, y, p->units);
        }
    }
}
