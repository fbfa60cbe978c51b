/* reduce_max_rows.c -- largest value over the pixels of a map, row by row; semantics in
 * edgekit/ops/reduce_max_rows.py */
#include "ek_reduce_max_rows.h"

void ek_reduce_max_rows_s8(const ek_reduce_max_rows_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t *largest = (int32_t *)(void *)scratch;
    for (int32_t c = 0; first == 0 && c < p->in_c; c++) {
        largest[c] = -128;
    }
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *x = ek_row(input, y);
        for (int32_t i = 0; i < p->in_w; i++) {
            for (int32_t c = 0; c < p->in_c; c++, x++) {
                largest[c] = *x > largest[c] ? *x : largest[c];
            }
        }
    }
    for (int32_t c = 0; first + n == p->in_h && c < p->in_c; c++) {
        output[c] = (int8_t)largest[c];
    }
}
