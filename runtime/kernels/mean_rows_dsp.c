/* mean_rows_dsp.c -- mean over the pixels of a map, row by row, with DSP */
#include "ek_dsp_sums.h"
#include "ek_fixed.h"
#include "ek_mean_rows_dsp.h"

void ek_mean_rows_s8_dsp(const ek_mean_rows_dsp_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t *sums = (int32_t *)(void *)scratch;
    ek_dsp_sum_rows(input, first, n, p->in_w, p->in_c, sums);
    for (int32_t c = 0; first + n == p->in_h && c < p->in_c; c++) {
        int32_t v = ek_requantize(sums[c] - p->offset, p->multiplier, p->shift) + p->output_zero;
        output[c] = (int8_t)ek_clamp(v, p->out_min, p->out_max);
    }
}
