/* fully_connected_mve.c -- dense layer, int8, with MVE; semantics in edgekit/ops/fully_connected.py */
#include "ek_fully_connected_mve.h"
#include "ek_mve_dense.h"

void ek_fully_connected_s8_mve(const ek_fully_connected_mve_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t b = 0; b < p->batch; b++) {
        ek_mve_dense d = {input, p->weights, p->scales, p->in_c,
                          output, p->out_c, p->out_min, p->out_max};
        ek_mve_four_rows(&d);
        input += p->in_c;
        output += p->out_c;
    }
}
