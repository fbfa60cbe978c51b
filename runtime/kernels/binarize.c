/* binarize.c -- a step for each channel; semantics in edgekit/ops/binarize.py */
#include "ek_binarize.h"

void ek_binarize_s8(const ek_binarize_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *x = ek_row(input, y);
        int8_t *out = ek_row(output, y);
        for (int32_t pixel = 0; pixel < p->width; pixel++) {
            for (int32_t c = 0; c < p->channels; c++) {
                int upper = (*x++ >= p->edges[c]) != p->turned[c];
                *out++ = (int8_t)(upper ? 1 : p->low);
            }
        }
    }
}
