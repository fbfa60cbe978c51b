/* conv2d_coded_dsp_bytes.c -- 2-D convolution, int8, weights from a stream of bits, with DSP, where
 * sums or weights are too large for two channels to share lanes */
#include "ek_conv2d_coded_dsp_bytes.h"
#define EK_PARAMS ek_conv2d_coded_dsp_bytes_params
#define EK_MIXED 0
#define EK_TILE 4
#define EK_CODED
#include "ek_dsp_conv2d.h"

void ek_conv2d_coded_s8_dsp_bytes(const ek_conv2d_coded_dsp_bytes_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
