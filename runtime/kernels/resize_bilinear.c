/* resize_bilinear.c -- bilinear resize; semantics in edgekit/ops/resize_bilinear.py */
#include "ek_fixed.h"
#include "ek_resize_bilinear.h"

/* One output cell: the cells left and right of it in the rows above and below. */
static int8_t *cell(const int8_t *above, const int8_t *below, int32_t right, int32_t wx, int32_t wy,
                    int32_t channels, int8_t *out)
{
    for (int32_t c = 0; c < channels; c++) {
        int32_t top = above[c] * (1024 - wx) + above[c + right] * wx;
        int32_t bottom = below[c] * (1024 - wx) + below[c + right] * wx;
        *out++ = (int8_t)ek_rounding_shift(top * (1024 - wy) + bottom * wy, 20);
    }
    return out;
}

void ek_resize_bilinear_s8(const ek_resize_bilinear_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        int32_t row = p->position_y[y] >> 10, wy = p->position_y[y] & 1023;
        const int8_t *above = ek_row(input, row);
        const int8_t *below = wy > 0 ? ek_row(input, row + 1) : above;
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            int32_t wx = p->position_x[x] & 1023, left = (p->position_x[x] >> 10) * p->in_c;
            out = cell(above + left, below + left, wx > 0 ? p->in_c : 0, wx, wy, p->in_c, out);
        }
    }
}
