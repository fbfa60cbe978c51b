/* conv2d_dsp_two.c -- 2-D convolution, int8, with DSP; two pixels at a time, for half the
 * scratch; two channels share 16-bit lanes */
#include "ek_conv2d_dsp_two.h"
#define EK_PARAMS ek_conv2d_dsp_two_params
#define EK_MIXED 1
#define EK_TILE 2
#include "ek_dsp_conv2d.h"

void ek_conv2d_s8_dsp_two(const ek_conv2d_dsp_two_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
