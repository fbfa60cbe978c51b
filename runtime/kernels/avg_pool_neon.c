/* avg_pool_neon.c -- average pooling, int8, with NEON: eight channels at a time, sums of 16 bits */
#include "ek_avg_pool_neon.h"
#include "ek_fixed.h"
#include "ek_neon_pool.h"
#include "ek_pool.h"

static int8_t average(const ek_avg_pool_neon_params *p, int32_t sum, int32_t count)
{
    sum += sum > 0 ? count / 2 : -(count / 2);
    return (int8_t)ek_clamp(sum / count, p->out_min, p->out_max);
}

static void eight_channels(const ek_avg_pool_neon_params *p, const ek_rows *input,
                           ek_pool_span rows, ek_pool_span columns, int32_t c, int8_t *out)
{
    int32_t width = columns.end - columns.begin, count = (rows.end - rows.begin) * width;
    int16x8_t sums = vdupq_n_s16(0);
    for (int32_t y = rows.begin; y < rows.end; y++) {
        const int8_t *x = ek_row(input, y) + columns.begin * p->in_c + c;
        sums = ek_neon_add_cells(sums, x, p->in_c, width);
    }
    int16_t sum[8];
    vst1q_s16(sum, sums);
    for (int32_t i = 0; i < 8; i++) {
        out[c + i] = average(p, sum[i], count);
    }
}

void ek_avg_pool_s8_neon(const ek_avg_pool_neon_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
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
