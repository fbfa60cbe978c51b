/* max_pool_bits.c -- max pooling of bits; semantics in edgekit/ops/max_pool_bits.py */
#include "ek_max_pool_bits.h"
#include "ek_pool.h"

void ek_max_pool_bits_s8(const ek_max_pool_bits_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        ek_pool_span rows = ek_pool_inside(y * p->stride_h - p->pad_top, p->kernel_h, p->in_h);
        uint32_t *out = (uint32_t *)(void *)ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            ek_pool_span columns =
                ek_pool_inside(x * p->stride_w - p->pad_left, p->kernel_w, p->in_w);
            for (int32_t c = 0; c < p->in_c; c++) {
                uint32_t any = 0;
                for (int32_t i = rows.begin; i < rows.end; i++) {
                    const uint32_t *from = (const uint32_t *)(const void *)ek_row(input, i);
                    for (int32_t j = columns.begin; j < columns.end; j++) {
                        any |= from[j * p->in_c + c];
                    }
                }
                *out++ = any;
            }
        }
    }
}
