/* avg_pool_dsp.c -- average pooling, int8, with DSP: four channels at a time, their sums of 16 bits
 * two a word */
#include "ek_avg_pool_dsp.h"
#include "ek_dsp.h"
#include "ek_fixed.h"
#include "ek_pool.h"

static int8_t average(const ek_avg_pool_dsp_params *p, int32_t sum, int32_t count)
{
    sum += sum > 0 ? count / 2 : -(count / 2);
    return (int8_t)ek_clamp(sum / count, p->out_min, p->out_max);
}

static void four_channels(const ek_avg_pool_dsp_params *p, const ek_rows *input, ek_pool_span rows,
                          ek_pool_span columns, int32_t channel, int8_t *out)
{
    uint32_t even = 0, odd = 0;
    for (int32_t y = rows.begin; y < rows.end; y++) {
        const int8_t *x = ek_row(input, y) + columns.begin * p->in_c + channel;
        for (int32_t j = columns.begin; j < columns.end; j++) {
            even = ek_add_even(even, ek_load4(x));
            odd = ek_add_odd(odd, ek_load4(x));
            x += p->in_c;
        }
    }
    int32_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
    out[channel] = average(p, (int16_t)even, count);
    out[channel + 1] = average(p, (int16_t)odd, count);
    out[channel + 2] = average(p, (int16_t)(even >> 16), count);
    out[channel + 3] = average(p, (int16_t)(odd >> 16), count);
}

void ek_avg_pool_s8_dsp(const ek_avg_pool_dsp_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        ek_pool_span rows = ek_pool_inside(y * p->stride_h - p->pad_top, p->kernel_h, p->in_h);
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            ek_pool_span columns =
                ek_pool_inside(x * p->stride_w - p->pad_left, p->kernel_w, p->in_w);
            /* Last channels that are no four are computed together with those before them, again. */
            for (int32_t c = 0; c < p->in_c; c += 4) {
                int32_t channel = c + 4 <= p->in_c ? c : p->in_c - 4;
                four_channels(p, input, rows, columns, channel, out);
            }
            out += p->in_c;
        }
    }
}
