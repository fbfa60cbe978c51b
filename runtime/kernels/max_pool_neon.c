/* max_pool_neon.c -- max pooling, int8, with NEON: eight channels at a time */
#include "ek_max_pool_neon.h"
#include "ek_neon_pool.h"
#include "ek_pool.h"

static void eight_channels(const ek_max_pool_neon_params *p, const ek_rows *input,
                           ek_pool_span rows, ek_pool_span columns, int32_t c, int8_t *out)
{
    int8x8_t largest = vdup_n_s8(-128);
    for (int32_t y = rows.begin; y < rows.end; y++) {
        const int8_t *x = ek_row(input, y) + columns.begin * p->in_c + c;
        for (int32_t j = columns.begin; j < columns.end; j++) {
            largest = vmax_s8(largest, vld1_s8(x));
            x += p->in_c;
        }
    }
    largest = vmin_s8(largest, vdup_n_s8((int8_t)p->out_max));
    vst1_s8(out + c, vmax_s8(largest, vdup_n_s8((int8_t)p->out_min)));
}

void ek_max_pool_s8_neon(const ek_max_pool_neon_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        ek_pool_span rows = ek_pool_inside(y * p->stride_h - p->pad_top, p->kernel_h, p->in_h);
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            ek_pool_span columns =
                ek_pool_inside(x * p->stride_w - p->pad_left, p->kernel_w, p->in_w);
            for (int32_t c = 0; c < p->in_c; c += 8) {
                eight_channels(p, input, rows, columns, ek_neon_block(c, 8, p->in_c), out);
            }
            out += p->in_c;
        }
    }
}
