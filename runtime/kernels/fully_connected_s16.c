/* fully_connected_s16.c -- dense layer, int16 by int8; semantics in edgekit/ops/fully_connected_s16.py */
#include "ek_fully_connected_s16.h"
#include "ek_wide.h"

void ek_fully_connected_s16(const ek_fully_connected_s16_params *p, const int8_t *input, int8_t *output)
{
    const int16_t *x = ek_halves(input);
    int16_t *out = (int16_t *)(void *)output;
    for (int32_t b = 0; b < p->batch; b++) {
        EK_WIDE_PIXEL(p, x, p->weights, p->bias, p->in_c, out);
        x += p->in_c;
        out += p->out_c;
    }
}
