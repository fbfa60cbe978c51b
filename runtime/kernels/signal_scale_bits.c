/* signal_scale_bits.c -- how far samples can be shifted; semantics in edgekit/ops/signal_scale_bits.py */
#include "ek_signal_scale_bits.h"

void ek_signal_scale_bits_s8(const ek_signal_scale_bits_params *p, const int8_t *input, int8_t *output)
{
    const int16_t *x = (const int16_t *)(const void *)input;
    int32_t most = 0, bits = 0;
    for (int32_t i = 0; i < p->count; i++) {
        int32_t magnitude = x[i] < 0 ? -x[i] : x[i];
        most = magnitude > most ? magnitude : most;
    }
    for (; most > 0 && most < 1 << 14; most <<= 1) {
        bits++;
    }
    *(int32_t *)(void *)output = bits;
}
