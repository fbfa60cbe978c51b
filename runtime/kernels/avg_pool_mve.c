/* avg_pool_mve.c -- average pooling, int8, with MVE: sums of eight channels at a time */
#include "ek_avg_pool_mve.h"
#include "ek_fixed.h"
#include "ek_mve_pool.h"

static void eight_channels(const ek_avg_pool_mve_params *p, const ek_mve_cells *w, int32_t c,
                           int8_t *out)
{
    int16_t sums[8];
    int32_t channels = p->in_c - c;
    int32_t count = (w->rows.end - w->rows.begin) * (w->columns.end - w->columns.begin);
    ek_mve_sums(w, c, channels, sums);
    for (int32_t i = 0; i < 8 && i < channels; i++) {
        int32_t sum = sums[i] + (sums[i] > 0 ? count / 2 : -(count / 2));
        out[i] = (int8_t)ek_clamp(sum / count, p->out_min, p->out_max);
    }
}

void ek_avg_pool_s8_mve(const ek_avg_pool_mve_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        ek_mve_cells w = {.input = input, .step = p->in_c};
        w.rows = ek_pool_inside(y * p->stride_h - p->pad_top, p->kernel_h, p->in_h);
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            w.columns = ek_pool_inside(x * p->stride_w - p->pad_left, p->kernel_w, p->in_w);
            for (int32_t c = 0; c < p->in_c; c += 8) {
                eight_channels(p, &w, c, out + c);
            }
            out += p->in_c;
        }
    }
}
