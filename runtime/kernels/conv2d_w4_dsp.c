/* conv2d_w4_dsp.c -- 2-D convolution, int8, weights of four bits, with DSP; two pixels at a time */
#include "ek_conv2d_w4_dsp.h"
#define EK_PARAMS ek_conv2d_w4_dsp_params
#define EK_TILE 2
#define EK_NIBBLES
#include "ek_dsp_conv2d.h"

void ek_conv2d_w4_s8_dsp(const ek_conv2d_w4_dsp_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
