/* conv2d_binary_slices.c -- convolution of bits with bits, int8 out, 32 channels at once */
#include "ek_conv2d_binary_slices.h"
#define EK_PARAMS ek_conv2d_binary_slices_params
#define EK_LINE 0
#include "ek_slices_bytes.h"

void ek_conv2d_binary_s8_slices(const ek_conv2d_binary_slices_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
