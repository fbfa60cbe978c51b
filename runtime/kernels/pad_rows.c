/* pad_rows.c -- surrounds a map with one value; see edgekit/ops/pad_rows.py */
#include "ek_pad_rows.h"
#include "ek_bytes.h"

void ek_pad_rows_s8(const ek_pad_rows_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    int8_t value = (int8_t)p->value;
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        if (y < p->top || y >= p->top + p->in_h) {
            (void)ek_fill(out, p->left + p->run + p->right, value);
            continue;
        }
        out = ek_fill(out, p->left, value);
        out = ek_copy(out, ek_row(input, y - p->top), p->run);
        (void)ek_fill(out, p->right, value);
    }
}
