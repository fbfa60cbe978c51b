/* conv2d_binary_bits_slices.c -- convolution of bits with bits, bits out, 32 channels at once */
#include "ek_conv2d_binary_bits_slices.h"
#define EK_PARAMS ek_conv2d_binary_bits_slices_params
#define EK_LINE 0
#include "ek_slices_bits.h"

void ek_conv2d_binary_bits_s8_slices(const ek_conv2d_binary_bits_slices_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
