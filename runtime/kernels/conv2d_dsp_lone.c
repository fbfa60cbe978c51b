/* conv2d_dsp_lone.c -- 2-D convolution, int8, with DSP; one pixel at a time, for a quarter of the
 * scratch; two channels share 16-bit lanes */
#include "ek_conv2d_dsp_lone.h"
#define EK_PARAMS ek_conv2d_dsp_lone_params
#define EK_MIXED 1
#define EK_TILE 1
#include "ek_dsp_conv2d.h"

void ek_conv2d_s8_dsp_lone(const ek_conv2d_dsp_lone_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
