/* signal_scale.c -- samples shifted to the left; semantics in edgekit/ops/signal_scale.py */
#include "ek_signal_scale.h"

void ek_signal_scale_s8(const ek_signal_scale_params *p, const int8_t *input, const int8_t *bits, int8_t *output)
{
    const int16_t *x = (const int16_t *)(const void *)input;
    int16_t *out = (int16_t *)(void *)output;
    int32_t factor = 1 << (*(const int32_t *)(const void *)bits & 15);
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = (int16_t)(x[i] * factor);
    }
}
