/* signal_window.c -- window over frames of samples; semantics in edgekit/ops/signal_window.py */
#include "ek_fixed.h"
#include "ek_signal_window.h"

void ek_signal_window_s8(const ek_signal_window_params *p, const int8_t *input, int8_t *output, int32_t n)
{
    const int16_t *x = (const int16_t *)(const void *)input;
    int16_t *out = (int16_t *)(void *)output;
    for (int32_t i = 0, at = 0; i < n; i++, at = at + 1 < p->size ? at + 1 : 0) {
        out[i] = (int16_t)ek_clamp((x[i] * p->weights[at]) >> p->shift, -32768, 32767);
    }
}
