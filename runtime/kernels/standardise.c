/* standardise.c -- numbers of a sensor by mean and deviation; semantics in edgekit/ops/standardise.py */
#include "ek_fixed.h"
#include "ek_standardise.h"

void ek_standardise_s8(const ek_standardise_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        const int16_t *x = (const int16_t *)(void *)ek_row(input, y);
        int8_t *out = ek_row(output, y);
        for (int32_t c = 0; c < p->channels; c++) {
            int32_t v = ek_requantize(x[c] * 256 - p->mean[c], p->multiplier[c], p->shift[c]);
            out[c] = (int8_t)ek_clamp(v + p->output_zero, -128, 127);
        }
    }
}
