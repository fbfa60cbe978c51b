/* conv2d_neon_dot.c -- 2-D convolution, int8, with SDOT of AArch64 */
#include "ek_conv2d_neon_dot.h"
#include "ek_neon_sdot.h"
#define EK_PARAMS ek_conv2d_neon_dot_params
#include "ek_neon_conv2d.h"

void ek_conv2d_s8_neon_dot(const ek_conv2d_neon_dot_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    convolve(p, input, output, first, n, scratch);
}
