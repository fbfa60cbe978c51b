/* conv2d_binary_slices_line.c -- convolution of bits with bits, int8 out, 32 channels at once, windows in one line */
#include "ek_conv2d_binary_slices_line.h"
#define EK_PARAMS ek_conv2d_binary_slices_line_params
#define EK_LINE 1
#include "ek_slices_bytes.h"

void ek_conv2d_binary_s8_slices_line(const ek_conv2d_binary_slices_line_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
