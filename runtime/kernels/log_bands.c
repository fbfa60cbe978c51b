/* log_bands.c -- logarithms of bands; semantics in edgekit/ops/log_bands.py */
#include "ek_log_bands.h"
#include "ek_spectral.h"

void ek_log_bands_s8(const ek_log_bands_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t low = p->wide ? -32768 : -128, high = p->wide ? 32767 : 127;
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        const uint32_t *x = (const uint32_t *)(void *)ek_row(input, y);
        int8_t *out = ek_row(output, y);
        for (int32_t c = 0; c < p->channels; c++) {
            int32_t v = ek_offset_log2(x[c], p->offset, p->table) + p->origin;
            v = ek_clamp(ek_requantize(v, p->multiplier, p->shift) + p->output_zero, low, high);
            if (p->wide) {
                ((int16_t *)(void *)out)[c] = (int16_t)v;
            } else {
                out[c] = (int8_t)v;
            }
        }
    }
}
