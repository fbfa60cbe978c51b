/* conv2d_binary_bits_slices_line.c -- convolution of bits with bits, bits out, 32 channels at once, windows in one line */
#include "ek_conv2d_binary_bits_slices_line.h"
#define EK_PARAMS ek_conv2d_binary_bits_slices_line_params
#define EK_LINE 1
#include "ek_slices_bits.h"

void ek_conv2d_binary_bits_s8_slices_line(const ek_conv2d_binary_bits_slices_line_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
