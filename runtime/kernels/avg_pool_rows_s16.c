/* avg_pool_rows_s16.c -- average of int16 pixels, row by row; see edgekit/ops/avg_pool_s16_rows.py */
#include "ek_avg_pool_rows_s16.h"
#include "ek_wide.h"

void ek_avg_pool_rows_s16(const ek_avg_pool_rows_s16_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t *sums = (int32_t *)(void *)scratch, count = p->in_h * p->in_w;
    int16_t *out = (int16_t *)(void *)output;
    ek_wide_sum_rows(input, first, n, p->in_w, p->in_c, sums);
    for (int32_t c = 0; first + n == p->in_h && c < p->in_c; c++) {
        int32_t sum = sums[c] + (sums[c] > 0 ? count / 2 : -(count / 2));
        out[c] = (int16_t)ek_clamp(sum / count, p->out_min, p->out_max);
    }
}
