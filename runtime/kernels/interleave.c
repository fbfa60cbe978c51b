/* interleave.c -- planes to pixels; semantics in edgekit/ops/interleave.py */
#include "ek_interleave.h"

void ek_interleave_s8(const ek_interleave_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        for (int32_t c = 0; c < p->planes; c++) {
            const int8_t *from = ek_row(input, c) + y * p->width;
            int8_t *out = ek_row(output, y) + c;
            for (int32_t x = 0; x < p->width; x++) {
                *out = from[x];
                out += p->planes;
            }
        }
    }
}
