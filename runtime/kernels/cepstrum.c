/* cepstrum.c -- cosine transform over bands; semantics in edgekit/ops/cepstrum.py */
#include "ek_cepstrum.h"
#include "ek_fixed.h"

void ek_cepstrum_s8(const ek_cepstrum_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        const int16_t *x = (const int16_t *)(void *)ek_row(input, y);
        const int16_t *c = p->cosine;
        int8_t *out = ek_row(output, y);
        for (int32_t k = 0; k < p->coefficients; k++) {
            int32_t sum = 0;
            for (int32_t m = 0; m < p->bands; m++) {
                sum += x[m] * *c++;
            }
            int32_t v = ek_requantize(sum, p->multiplier[k], p->shift[k]) + p->output_zero;
            out[k] = (int8_t)ek_clamp(v, -128, 127);
        }
    }
}
