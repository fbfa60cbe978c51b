/* conv2d_coded_dsp.c -- 2-D convolution, int8, weights from a stream of bits, with DSP; two
 * channels share 16-bit lanes
 *
 * The weights of a tile of channels are decoded into lanes, then serve all pixels of the call. */
#include "ek_conv2d_coded_dsp.h"
#define EK_PARAMS ek_conv2d_coded_dsp_params
#define EK_MIXED 1
#define EK_TILE 4
#define EK_CODED
#include "ek_dsp_conv2d.h"

void ek_conv2d_coded_s8_dsp(const ek_conv2d_coded_dsp_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
