/* conv2d_binary_bits.c -- convolution of bits with bits, bits out; semantics in
 * edgekit/ops/conv2d_binary_bits.py */
#include "ek_conv2d_binary_bits.h"
#define EK_PARAMS ek_conv2d_binary_bits_params
#include "ek_binary.h"

/* The bits of up to 32 channels from `channel` on. */
static uint32_t word(const ek_conv2d_binary_bits_params *p, const ek_rows *input, const place *at,
                     const uint32_t *window, int32_t channel)
{
    uint32_t bits = 0;
    for (int32_t i = 0; i < 32 && channel + i < p->out_c; i++) {
        uint32_t upper = product(p, input, at, window, channel + i) >= p->edges[channel + i];
        bits |= upper << i;
    }
    return bits ^ (uint32_t)p->turned[channel / 32];
}

void ek_conv2d_binary_bits_s8(const ek_conv2d_binary_bits_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    for (int32_t y = first; y < first + n; y++) {
        uint32_t *out = (uint32_t *)(void *)ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            place at = place_of(p, y, x);
            const uint32_t *window = whole_window(p, input, &at, (uint32_t *)(void *)scratch);
            for (int32_t c = 0; c < p->out_c; c += 32) {
                *out++ = word(p, input, &at, window, c);
            }
        }
    }
}
