/* mean_rows.c -- mean over the pixels of a map, row by row; semantics in edgekit/ops/mean_rows.py */
#include "ek_fixed.h"
#include "ek_mean_rows.h"
#include "ek_sums.h"

void ek_mean_rows_s8(const ek_mean_rows_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t *sums = (int32_t *)(void *)scratch;
    ek_sum_rows(input, first, n, p->in_w, p->in_c, sums);
    for (int32_t c = 0; first + n == p->in_h && c < p->in_c; c++) {
        int32_t v = ek_requantize(sums[c] - p->offset, p->multiplier, p->shift) + p->output_zero;
        output[c] = (int8_t)ek_clamp(v, p->out_min, p->out_max);
    }
}
