/* avg_pool_scaled.c -- average pooling with a rescaling; semantics in edgekit/ops/avg_pool_scaled.py */
#include "ek_avg_pool_scaled.h"
#include "ek_fixed.h"
#include "ek_pool.h"

static int8_t cell(const ek_avg_pool_scaled_params *p, const ek_rows *input, ek_pool_span rows,
                   ek_pool_span columns, int32_t channel)
{
    int32_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
    int32_t sum = -count * p->input_zero, at = count - p->least;
    for (int32_t y = rows.begin; y < rows.end; y++) {
        const int8_t *x = ek_row(input, y) + columns.begin * p->in_c + channel;
        for (int32_t j = columns.begin; j < columns.end; j++) {
            sum += *x;
            x += p->in_c;
        }
    }
    int32_t v = ek_requantize(sum, p->multiplier[at], p->shift[at]) + p->output_zero;
    return (int8_t)ek_clamp(v, p->out_min, p->out_max);
}

void ek_avg_pool_scaled_s8(const ek_avg_pool_scaled_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
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
