/* max_pool_dsp.c -- max pooling, int8, with DSP: four channels at a time */
#include "ek_dsp.h"
#include "ek_fixed.h"
#include "ek_max_pool_dsp.h"
#include "ek_pool.h"

static void four_channels(const ek_max_pool_dsp_params *p, const ek_rows *input, ek_pool_span rows,
                          ek_pool_span columns, int32_t channel, int8_t *out)
{
    uint32_t largest = 0x80808080u;
    for (int32_t y = rows.begin; y < rows.end; y++) {
        const int8_t *x = ek_row(input, y) + columns.begin * p->in_c + channel;
        for (int32_t j = columns.begin; j < columns.end; j++) {
            largest = ek_max4(largest, ek_load4(x));
            x += p->in_c;
        }
    }
    for (int32_t i = channel; i < channel + 4; i++) {
        out[i] = (int8_t)ek_clamp((int8_t)largest, p->out_min, p->out_max);
        largest >>= 8;
    }
}

void ek_max_pool_s8_dsp(const ek_max_pool_dsp_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
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
