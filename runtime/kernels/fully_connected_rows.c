/* fully_connected_rows.c -- dense layer on a map, row by row; see edgekit/ops/fully_connected_rows.py */
#include "ek_dot.h"
#include "ek_fixed.h"
#include "ek_fully_connected_rows.h"

/* Adds the share of one row of the map; `w` is where its weights for the first output begin. */
static void add_row(const ek_fully_connected_rows_params *p, const int8_t *x, const int8_t *w,
                    int32_t *sums)
{
    int32_t row = p->in_w * p->in_c, k = p->in_h * row, c = 0;
    for (; c + 4 <= p->out_c; c += 4) {
        ek_dot_1x4(x, w, k, row, sums + c);
        w += 4 * k;
    }
    for (; c < p->out_c; c++) {
        for (int32_t i = 0; i < row; i++) {
            sums[c] += x[i] * w[i];
        }
        w += k;
    }
}

void ek_fully_connected_rows_s8(const ek_fully_connected_rows_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t *sums = (int32_t *)(void *)scratch;
    for (int32_t c = 0; first == 0 && c < p->out_c; c++) {
        sums[c] = p->bias[c];
    }
    for (int32_t y = first; y < first + n; y++) {
        add_row(p, ek_row(input, y), p->weights + y * p->in_w * p->in_c, sums);
    }
    for (int32_t c = 0; first + n == p->in_h && c < p->out_c; c++) {
        int32_t v = ek_requantize(sums[c], p->multiplier[c], p->shift[c]) + p->output_zero;
        output[c] = (int8_t)ek_clamp(v, p->out_min, p->out_max);
    }
}
