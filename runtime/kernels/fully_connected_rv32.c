/* fully_connected_rv32.c -- dense layer, int8, for RISC-V (RV32IM); semantics in
 * edgekit/ops/fully_connected.py */
#include "ek_fully_connected_rv32.h"
#include "ek_rv32_dense.h"

void ek_fully_connected_s8_rv32(const ek_fully_connected_rv32_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t b = 0; b < p->batch; b++) {
        ek_rv32_dense(input, 1, p->in_c, p->weights, p->scales, p->out_c, p->out_min, p->out_max,
                      output);
        input += p->in_c;
        output += p->out_c;
    }
}
