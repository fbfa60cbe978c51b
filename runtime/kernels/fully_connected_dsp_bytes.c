/* fully_connected_dsp_bytes.c -- dense layer, int8, with DSP; where sums or weights are
 * too large for two channels to share lanes */
#include "ek_fully_connected_dsp_bytes.h"
#define EK_PARAMS ek_fully_connected_dsp_bytes_params
#define EK_MIXED 0
#include "ek_dsp_dense.h"

void ek_fully_connected_s8_dsp_bytes(const ek_fully_connected_dsp_bytes_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t b = 0; b < p->batch; b++) {
        dense(p, input, output);
        input += p->in_c;
        output += p->out_c;
    }
}
