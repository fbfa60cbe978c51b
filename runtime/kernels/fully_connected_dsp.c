/* fully_connected_dsp.c -- dense layer, int8, with DSP; two channels share 16-bit lanes */
#include "ek_fully_connected_dsp.h"
#define EK_PARAMS ek_fully_connected_dsp_params
#define EK_MIXED 1
#include "ek_dsp_dense.h"

void ek_fully_connected_s8_dsp(const ek_fully_connected_dsp_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t b = 0; b < p->batch; b++) {
        dense(p, input, output);
        input += p->in_c;
        output += p->out_c;
    }
}
