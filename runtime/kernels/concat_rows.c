/* concat_rows.c -- joins the rows of maps; see edgekit/ops/concat_rows.py */
#include "ek_concat_rows.h"
#include "ek_bytes.h"

void ek_concat_rows_s8(const ek_concat_rows_params *p, const ek_rows *const *inputs, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->runs; x++) {
            for (int32_t i = 0; i < p->count; i++) {
                out = ek_copy(out, ek_row(inputs[i], y) + x * p->run[i], p->run[i]);
            }
        }
    }
}
