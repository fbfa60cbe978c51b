/* signal_energy.c -- energies of spectral bins; semantics in edgekit/ops/signal_energy.py */
#include "ek_signal_energy.h"

void ek_signal_energy_s8(const ek_signal_energy_params *p, const int8_t *input, int8_t *output)
{
    const int16_t *x = (const int16_t *)(const void *)input;
    uint32_t *out = (uint32_t *)(void *)output;
    for (int32_t k = 0; k < p->bins; k++) {
        out[k] = 0;
        if (k >= p->begin && k < p->end) {
            out[k] = (uint32_t)(x[2 * k] * x[2 * k]) + (uint32_t)(x[2 * k + 1] * x[2 * k + 1]);
        }
    }
}
