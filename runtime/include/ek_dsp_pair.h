/* ek_dsp_pair.h -- two channels of one pixel; EK_MIXED says whether they share 16-bit lanes */
#ifndef EK_DSP_PAIR_H
#define EK_DSP_PAIR_H

#include "ek_dsp.h"

/* Two taps of two channels: sums of the low channel, and of the other or of both. */
static inline void ek_dsp_two_channels(uint32_t x, uint32_t w, int32_t sums[2])
{
    sums[0] = ek_smlad(x, ek_even(w), sums[0]);
    sums[1] = ek_smlad(x, EK_MIXED ? w : ek_odd(w), sums[1]);
}

/* pair: as edgekit/dsp.py makes it. The mixed sum is known modulo 2^32. */
static inline void ek_dsp_two_outputs(const int32_t *pair, const int32_t sums[2], int8_t *out)
{
    int32_t twice = EK_MIXED ? (int32_t)((uint32_t)sums[1] - (uint32_t)sums[0]) >> 7 : 2 * sums[1];
    out[0] = (int8_t)ek_dsp_rescale(2 * sums[0], pair[2], pair[3], pair[4]);
    out[1] = (int8_t)ek_dsp_rescale(twice, pair[5], pair[6], pair[7]);
}

/* All pairs of one pixel. x: words of two taps, as far as x_end, an even number of them. */
static void ek_dsp_pixel(const uint32_t *x, const uint32_t *x_end, const int32_t *w,
                         const int32_t *pairs, const int32_t *pairs_end, int8_t *out)
{
    for (; pairs != pairs_end; pairs += 8) {
        int32_t sums[2] = {pairs[0], pairs[1]};
        for (const uint32_t *at = x; at != x_end; at += 2) {
            ek_dsp_two_channels(at[0], (uint32_t)w[0], sums);
            ek_dsp_two_channels(at[1], (uint32_t)w[1], sums);
            w += 2;
        }
        ek_dsp_two_outputs(pairs, sums, out);
        out += 2;
    }
}

#endif
