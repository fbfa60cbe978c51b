/* avg_pool_up.c -- average pooling, int8, ties up; semantics in edgekit/ops/avg_pool_up.py */
#include "ek_avg_pool_up.h"
#include "ek_fixed.h"
#include "ek_pool.h"

static int8_t cell(const ek_avg_pool_up_params *p, const ek_rows *input, ek_pool_span rows,
                   ek_pool_span columns, int32_t channel)
{
    int32_t sum = 0, count = (rows.end - rows.begin) * (columns.end - columns.begin);
    for (int32_t y = rows.begin; y < rows.end; y++) {
        const int8_t *x = ek_row(input, y) + columns.begin * p->in_c + channel;
        for (int32_t j = columns.begin; j < columns.end; j++) {
            sum += *x;
            x += p->in_c;
        }
    }
    /* Division truncates; 128 steps further up there is nothing negative to be truncated. */
    sum += 128 * count + count / 2;
    return (int8_t)ek_clamp(sum / count - 128, p->out_min, p->out_max);
}

void ek_avg_pool_up_s8(const ek_avg_pool_up_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        ek_pool_span rows = ek_pool_inside(y * p->stride_h - p->pad_top, p->kernel_h, p->in_h);
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            ek_pool_span columns =
                ek_pool_inside(x * p->stride_w - p->pad_left, p->kernel_w, p->in_w);
            for (int32_t c = 0; c < p->in_c; c++) {
                *out++ = cell(p, input, rows, columns, c);
            }
        }
    }
}
