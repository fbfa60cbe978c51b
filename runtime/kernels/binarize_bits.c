/* binarize_bits.c -- a step for each channel, as bits; semantics in edgekit/ops/binarize_bits.py */
#include "ek_binarize_bits.h"

/* The bits of n channels, at most 32. */
static uint32_t word(const int8_t *x, const int16_t *edges, const int8_t *turned, int32_t n)
{
    uint32_t bits = 0;
    for (int32_t c = n - 1; c >= 0; c--) {
        bits = 2 * bits + (uint32_t)((x[c] >= edges[c]) ^ turned[c]);
    }
    return bits;
}

void ek_binarize_bits_s8(const ek_binarize_bits_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *x = ek_row(input, y);
        uint32_t *out = (uint32_t *)(void *)ek_row(output, y);
        for (int32_t pixel = 0; pixel < p->width; pixel++) {
            for (int32_t c = 0; c < p->channels; c += 32) {
                int32_t left = p->channels - c < 32 ? p->channels - c : 32;
                *out++ = word(x + c, p->edges + c, p->turned + c, left);
            }
            x += p->channels;
        }
    }
}
