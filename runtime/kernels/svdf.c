/* svdf.c -- dense layer over a window of time, int8; semantics in edgekit/ops/svdf.py */
#include "ek_svdf.h"
#include "ek_fixed.h"

/* The newest element of a filter. */
static int32_t newest(const ek_svdf_params *p, int32_t filter, const int8_t *x, int32_t low, int32_t high)
{
    const int8_t *w = p->feature + filter * p->in_c;
    int32_t sum = p->feature_bias[filter];
    for (int32_t i = 0; i < p->in_c; i++) {
        sum += x[i] * w[i];
    }
    return ek_clamp(ek_requantize(sum, p->multiplier1, p->shift1) + p->state_zero, low, high);
}

/* Move a filter's window on by one step and weigh it: of 16 bits, then of 8. */
static int64_t wide(const ek_svdf_params *p, int32_t filter, const int8_t *x, int16_t *state)
{
    const int16_t *w = p->time + filter * p->memory;
    int64_t sum = 0;
    for (int32_t i = 0; i + 1 < p->memory; i++) {
        state[i] = state[i + 1];
        sum += (int64_t)(state[i] - p->state_zero) * w[i];
    }
    state[p->memory - 1] = (int16_t)newest(p, filter, x, -32768, 32767);
    return sum + (int64_t)(state[p->memory - 1] - p->state_zero) * w[p->memory - 1];
}

static int64_t narrow(const ek_svdf_params *p, int32_t filter, const int8_t *x, int8_t *state)
{
    const int16_t *w = p->time + filter * p->memory;
    int32_t sum = 0;
    for (int32_t i = 0; i + 1 < p->memory; i++) {
        state[i] = state[i + 1];
        sum += (state[i] - p->state_zero) * w[i];
    }
    state[p->memory - 1] = (int8_t)newest(p, filter, x, -128, 127);
    return sum + (state[p->memory - 1] - p->state_zero) * w[p->memory - 1];
}

void ek_svdf_s8(const ek_svdf_params *p, const int8_t *input, int8_t *state, int8_t *output)
{
    int16_t *words = (int16_t *)(void *)state;
    for (int32_t unit = 0, filter = 0; unit < p->units; unit++) {
        int64_t sum = p->bias[unit];
        for (int32_t k = 0; k < p->rank; k++, filter++) {
            int32_t at = filter * p->memory;
            sum += p->wide ? wide(p, filter, input, words + at) : narrow(p, filter, input, state + at);
        }
        sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
        int32_t v = ek_requantize((int32_t)sum, p->multiplier2, p->shift2) + p->output_zero;
        output[unit] = (int8_t)ek_clamp(v, -128, 127);
    }
}
