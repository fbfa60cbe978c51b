/* space_to_depth.c -- blocks of cells to channels; semantics in edgekit/ops/space_to_depth.py */
#include "ek_bytes.h"
#include "ek_space_to_depth.h"

void ek_space_to_depth_s8(const ek_space_to_depth_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    int32_t run = p->block * p->in_c; /* neighbours in a row stay neighbours */
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->in_w / p->block; x++) {
            for (int32_t i = 0; i < p->block; i++) {
                out = ek_copy(out, ek_row(input, y * p->block + i) + x * run, run);
            }
        }
    }
}
