/* signal_noise.c -- what is above the noise so far; semantics in edgekit/ops/signal_noise.py */
#include "ek_signal_noise.h"

void ek_signal_noise_s8(const ek_signal_noise_params *p, const int8_t *input, int8_t *noise, int8_t *output)
{
    const uint32_t *x = (const uint32_t *)(const void *)input;
    uint32_t *estimate = (uint32_t *)(void *)noise, *out = (uint32_t *)(void *)output;
    int32_t bits = p->spectral_subtraction_bits;
    for (int32_t c = 0; c < p->count; c++) {
        uint64_t smooth = (uint64_t)(c & 1 ? p->alternate_smoothing : p->smoothing);
        uint64_t rest = (uint64_t)(c & 1 ? p->alternate_one_minus_smoothing : p->one_minus_smoothing);
        uint32_t loud = x[c] << p->smoothing_bits;
        uint32_t found = (uint32_t)((loud * smooth + estimate[c] * rest) >> bits);
        uint32_t most = found < loud ? found : loud;
        uint32_t least = (uint32_t)((uint64_t)x[c] * (uint64_t)p->min_signal_remaining >> bits);
        uint32_t rising = (loud - most) >> p->smoothing_bits;
        estimate[c] = p->clamping ? most : found;
        out[c] = rising > least ? rising : least;
    }
}
