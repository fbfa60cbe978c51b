/* ek_dsp_tile_nibbles.h -- ek_dsp_tile.h for weights of four bits, and tiles of two pixels */
#ifndef EK_DSP_TILE_NIBBLES_H
#define EK_DSP_TILE_NIBBLES_H

#include "ek_dsp_nibbles.h"

/* Words of weights of a pair of channels, for so many words of two taps. */
#define EK_DSP_PAIR_WORDS(steps) ((steps) / 2)

/* As in ek_dsp_tile.h; there are two pixels. */
#define EK_DSP_TILE_ARGUMENTS                                                                      \
    const uint32_t *x, const uint32_t *x_end, const int32_t *w, const int32_t *pairs, int8_t *out, \
        int32_t stride, const int32_t *pairs_end, const uint32_t *x_mid

#if defined(__ARM_FEATURE_DSP)

#include "ek_dsp_tile_few.h"

static void ek_dsp_tile(int32_t pixels, EK_DSP_TILE_ARGUMENTS)
{
    (void)pixels;
    ek_dsp_two(x, x_end, w, pairs, out, stride, pairs_end, x_mid);
}

#else

static void ek_dsp_tile(int32_t pixels, EK_DSP_TILE_ARGUMENTS)
{
    (void)pixels;
    (void)x_mid;
    for (; pairs != pairs_end; pairs += 8) {
        int32_t low0 = pairs[0], low1 = low0, high0 = pairs[1], high1 = high0;
        for (const uint32_t *at = x; at != x_end; at += 4) {
            uint32_t word = (uint32_t)*w++, low = EK_DSP_LOW(word), high = EK_DSP_HIGH(word);
            uint32_t a = at[0], b = at[1], l = ek_even(low), h = ek_even(high);
            low0 = ek_smlad(a, l, low0);
            low1 = ek_smlad(b, l, low1);
            high0 = ek_smlad(a, h, high0);
            high1 = ek_smlad(b, h, high1);
            a = at[2];
            b = at[3];
            l = ek_odd(low);
            h = ek_odd(high);
            low0 = ek_smlad(a, l, low0);
            low1 = ek_smlad(b, l, low1);
            high0 = ek_smlad(a, h, high0);
            high1 = ek_smlad(b, h, high1);
        }
        out[0] = ek_dsp_sixteenth(low0, pairs + 2);
        out[1] = ek_dsp_sixteenth(high0, pairs + 5);
        out[stride] = ek_dsp_sixteenth(low1, pairs + 2);
        out[stride + 1] = ek_dsp_sixteenth(high1, pairs + 5);
        out += 2;
    }
}

#endif

static void ek_dsp_pixel(const uint32_t *x, const uint32_t *x_end, const int32_t *w,
                         const int32_t *pairs, const int32_t *pairs_end, int8_t *out)
{
    for (; pairs != pairs_end; pairs += 8) {
        int32_t low_sum = pairs[0], high_sum = pairs[1];
        for (const uint32_t *at = x; at != x_end; at += 2) {
            uint32_t word = (uint32_t)*w++, low = EK_DSP_LOW(word), high = EK_DSP_HIGH(word);
            low_sum = ek_smlad(at[0], ek_even(low), low_sum);
            high_sum = ek_smlad(at[0], ek_even(high), high_sum);
            low_sum = ek_smlad(at[1], ek_odd(low), low_sum);
            high_sum = ek_smlad(at[1], ek_odd(high), high_sum);
        }
        out[0] = ek_dsp_sixteenth(low_sum, pairs + 2);
        out[1] = ek_dsp_sixteenth(high_sum, pairs + 5);
        out += 2;
    }
}

#endif
