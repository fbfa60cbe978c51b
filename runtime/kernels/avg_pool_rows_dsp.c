/* avg_pool_rows_dsp.c -- average over the pixels of a map, row by row, with DSP */
#include "ek_avg_pool_rows_dsp.h"
#include "ek_dsp_sums.h"
#include "ek_fixed.h"

void ek_avg_pool_rows_s8_dsp(const ek_avg_pool_rows_dsp_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t *sums = (int32_t *)(void *)scratch, count = p->in_h * p->in_w;
    ek_dsp_sum_rows(input, first, n, p->in_w, p->in_c, sums);
    for (int32_t c = 0; first + n == p->in_h && c < p->in_c; c++) {
        int32_t sum = sums[c] + (sums[c] > 0 ? count / 2 : -(count / 2));
        output[c] = (int8_t)ek_clamp(sum / count, p->out_min, p->out_max);
    }
}
