/* conv2d_nine_dsp.c -- 2-D convolution, int8, weights of nine bits, with DSP: what a byte leaves of a weight is
 * the weight of the same tap once more */
#include "ek_conv2d_nine_dsp.h"
#define EK_PARAMS ek_conv2d_nine_dsp_params
#define EK_MIXED 0
#define EK_TILE 4
#define EK_REST
#include "ek_dsp_conv2d.h"

void ek_conv2d_nine_s8_dsp(const ek_conv2d_nine_dsp_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
