/* depth_to_space.c -- channels to blocks of cells; semantics in edgekit/ops/depth_to_space.py */
#include "ek_bytes.h"
#include "ek_depth_to_space.h"

void ek_depth_to_space_s8(const ek_depth_to_space_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    int32_t run = p->block * p->out_c; /* neighbours in a row come from neighbouring channels */
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        const int8_t *from = ek_row(input, y / p->block) + (y % p->block) * run;
        for (int32_t x = 0; x < p->in_w; x++) {
            out = ek_copy(out, from + x * p->block * run, run);
        }
    }
}
