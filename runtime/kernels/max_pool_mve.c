/* max_pool_mve.c -- max pooling, int8, with MVE: sixteen channels at a time */
#include "ek_max_pool_mve.h"
#include "ek_mve_pool.h"

void ek_max_pool_s8_mve(const ek_max_pool_mve_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        ek_mve_cells w = {.input = input, .step = p->in_c};
        w.rows = ek_pool_inside(y * p->stride_h - p->pad_top, p->kernel_h, p->in_h);
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            w.columns = ek_pool_inside(x * p->stride_w - p->pad_left, p->kernel_w, p->in_w);
            for (int32_t c = 0; c < p->in_c; c += 16) {
                ek_mve_largest(&w, c, p->in_c - c, p->out_min, p->out_max, out + c);
            }
            out += p->in_c;
        }
    }
}
