/* resize_nearest.c -- nearest-neighbour resize; semantics in edgekit/ops/resize_nearest.py */
#include "ek_resize_nearest.h"

void ek_resize_nearest_s8(const ek_resize_nearest_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *row = ek_row(input, p->source_y[y]);
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            const int8_t *from = row + p->source_x[x] * p->pixel;
            for (int32_t c = 0; c < p->pixel; c++) {
                *out++ = from[c];
            }
        }
    }
}
