/* ek_slices_bytes.h -- convolution of bits with bits, int8 out, 32 channels at once; included by the kernels' files,
 * which name the params (EK_PARAMS) and the form of the weights (EK_LINE) */
#ifndef EK_SLICES_BYTES_H
#define EK_SLICES_BYTES_H

#include "ek_dsp.h"
#include "ek_fixed.h"
#include "ek_slices_window.h"

#define EK_SWAP(a, b, n, mask)                                                                     \
    t = ((a >> n) ^ b) & mask;                                                                     \
    a ^= t << n;                                                                                   \
    b ^= t;

/* Bits of 8 slices become bytes: byte j of word i is that of channel 8 j + i. */
static void to_bytes(const uint32_t *slices, uint32_t *bytes)
{
    uint32_t a = slices[0], b = slices[1], c = slices[2], d = slices[3], t;
    uint32_t e = slices[4], f = slices[5], g = slices[6], h = slices[7];
    EK_SWAP(a, e, 4, 0x0F0F0F0Fu) EK_SWAP(b, f, 4, 0x0F0F0F0Fu)
    EK_SWAP(c, g, 4, 0x0F0F0F0Fu) EK_SWAP(d, h, 4, 0x0F0F0F0Fu)
    EK_SWAP(a, c, 2, 0x33333333u) EK_SWAP(b, d, 2, 0x33333333u)
    EK_SWAP(e, g, 2, 0x33333333u) EK_SWAP(f, h, 2, 0x33333333u)
    EK_SWAP(a, b, 1, 0x55555555u) EK_SWAP(c, d, 1, 0x55555555u)
    EK_SWAP(e, f, 1, 0x55555555u) EK_SWAP(g, h, 1, 0x55555555u)
    bytes[0] = a;
    bytes[1] = b;
    bytes[2] = c;
    bytes[3] = d;
    bytes[4] = e;
    bytes[5] = f;
    bytes[6] = g;
    bytes[7] = h;
}

static inline int32_t rescaled(const EK_PARAMS *p, uint32_t differing, const int32_t *scale)
{
    return ek_saturate8((scale[0] * (int32_t)differing + scale[1]) >> p->shift);
}

/* 32 outputs, saturated; words i of low and high bytes are of channels i, i + 8, i + 16, i + 24. */
static void rescale(const EK_PARAMS *p, const uint32_t low[8], const uint32_t high[8],
                    const int32_t *scale, int8_t *out)
{
    for (int32_t i = 0; i < 8; i++, scale += 8) {
        uint32_t a = low[i], b = high[i];
        out[i] = (int8_t)rescaled(p, (a & 0xFFu) | (b & 0xFFu) << 8, scale);
        out[i + 8] = (int8_t)rescaled(p, (a >> 8 & 0xFFu) | (b & 0xFF00u), scale + 2);
        out[i + 16] = (int8_t)rescaled(p, (a >> 16 & 0xFFu) | (b >> 8 & 0xFF00u), scale + 4);
        out[i + 24] = (int8_t)rescaled(p, a >> 24 | (b >> 16 & 0xFF00u), scale + 6);
    }
}

/* The outputs of `left` channels, at most 32. */
static void store(const EK_PARAMS *p, const uint32_t slices[EK_SLICES], const int32_t *scale,
                  int32_t left, int8_t *out)
{
    uint32_t low[8], high[8];
    int8_t made[32];
    int8_t *to = left < 32 ? made : out;
    to_bytes(slices, low);
    to_bytes(slices + 8, high);
    rescale(p, low, high, scale, to);
    if (p->out_min > -128 || p->out_max < 127 || left < 32) {
        for (int32_t i = 0; i < 32 && i < left; i++) {
            out[i] = (int8_t)ek_clamp(to[i], p->out_min, p->out_max);
        }
    }
}

static void convolve(const EK_PARAMS *p, const ek_rows *input, const ek_rows *output, int32_t first,
                     int32_t n, uint8_t *scratch)
{
    uint32_t slices[EK_SLICES];
    for (int32_t y = first; y < first + n; y++) {
        columns c = columns_of(p, y, scratch);
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            const int32_t *weights = p->weights;
            place_window(p, input, &c, x * p->stride_w - p->pad_left);
            for (int32_t channel = 0; channel < p->out_c; channel += 32) {
                count(&c, weights, slices);
                store(p, slices, p->scales + 2 * channel, p->out_c - channel, out + channel);
                weights += p->kernel_w * c.words * 32;
            }
            out += p->out_c;
        }
    }
}

#endif
