/* conv2d_binary.c -- convolution of bits with bits, int8 out; semantics in edgekit/ops/conv2d_binary.py */
#include "ek_conv2d_binary.h"
#define EK_PARAMS ek_conv2d_binary_params
#include "ek_binary.h"
#include "ek_fixed.h"

void ek_conv2d_binary_s8(const ek_conv2d_binary_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            place at = place_of(p, y, x);
            const uint32_t *window = whole_window(p, input, &at, (uint32_t *)(void *)scratch);
            const int32_t *scale = p->scales;
            for (int32_t c = 0; c < p->out_c; c++) {
                int32_t v = (scale[0] * product(p, input, &at, window, c) + scale[1]) >> p->shift;
                *out++ = (int8_t)ek_clamp(v, p->out_min, p->out_max);
                scale += 2;
            }
        }
    }
}
