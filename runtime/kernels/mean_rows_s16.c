/* mean_rows_s16.c -- mean of int16 pixels, row by row; semantics in edgekit/ops/mean_s16_rows.py */
#include "ek_mean_rows_s16.h"
#include "ek_wide.h"

void ek_mean_rows_s16(const ek_mean_rows_s16_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t *sums = (int32_t *)(void *)scratch;
    int16_t *out = (int16_t *)(void *)output;
    ek_wide_sum_rows(input, first, n, p->in_w, p->in_c, sums);
    for (int32_t c = 0; first + n == p->in_h && c < p->in_c; c++) {
        int32_t v = ek_requantize(sums[c], p->multiplier, p->shift);
        out[c] = (int16_t)ek_clamp(v, -32768, 32767);
    }
}
