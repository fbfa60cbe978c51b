/* conv2d_binary_slices.c -- convolution of bits with bits, int8 out, 32 channels at once */
#include "ek_conv2d_binary_slices.h"
#define EK_PARAMS ek_conv2d_binary_slices_params
#include "ek_slices_window.h"

/* Bits of 8 slices become bytes: byte j of word i is that of channel 8 j + i. */
static void to_bytes(const uint32_t slices[8], uint32_t bytes[8])
{
    for (int32_t i = 0; i < 4; i++) {
        uint32_t t = ((slices[i] >> 4) ^ slices[i + 4]) & 0x0F0F0F0Fu;
        bytes[i] = slices[i] ^ (t << 4);
        bytes[i + 4] = slices[i + 4] ^ t;
    }
    for (int32_t i = 0; i < 6; i = i == 1 ? 4 : i + 1) {
        uint32_t t = ((bytes[i] >> 2) ^ bytes[i + 2]) & 0x33333333u;
        bytes[i] ^= t << 2;
        bytes[i + 2] ^= t;
    }
    for (int32_t i = 0; i < 8; i += 2) {
        uint32_t t = ((bytes[i] >> 1) ^ bytes[i + 1]) & 0x55555555u;
        bytes[i] ^= t << 1;
        bytes[i + 1] ^= t;
    }
}

static int8_t rescaled(const EK_PARAMS *p, uint32_t differing, const int32_t *scale)
{
    int32_t v = (scale[0] * (int32_t)differing + scale[1]) >> p->shift;
    v = v < p->out_min ? p->out_min : v;
    return (int8_t)(v > p->out_max ? p->out_max : v);
}

/* The outputs of `left` channels, at most 32. */
static void store(const EK_PARAMS *p, const uint32_t slices[EK_SLICES], const int32_t *scale,
                  int32_t left, int8_t *out)
{
    uint32_t low[8], high[8];
    to_bytes(slices, low);
    to_bytes(slices + 8, high);
    for (int32_t i = 0; i < 8; i++) {
        uint32_t a = low[i], b = high[i];
        for (int32_t channel = i; channel < 32; channel += 8) {
            if (channel < left) {
                out[channel] = rescaled(p, (a & 0xFFu) | (b & 0xFFu) << 8, scale);
            }
            a >>= 8;
            b >>= 8;
            scale += 2;
        }
    }
}

void ek_conv2d_binary_s8_slices(const ek_conv2d_binary_slices_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    uint32_t slices[EK_SLICES];
    for (int32_t y = first; y < first + n; y++) {
        columns c = columns_of(p, y, scratch);
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            int32_t left = x * p->stride_w - p->pad_left;
            reach(p, input, &c, left);
            for (int32_t channel = 0; channel < p->out_c; channel += 32) {
                count(p, &c, left, channel / 32, slices);
                store(p, slices, p->scales + 2 * channel, p->out_c - channel, out + channel);
            }
            out += p->out_c;
        }
    }
}
