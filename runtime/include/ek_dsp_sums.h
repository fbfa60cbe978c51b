/* ek_dsp_sums.h -- ek_sums.h with DSP: four channels at a time; a row's sums of 16 bits, two a word */
#ifndef EK_DSP_SUMS_H
#define EK_DSP_SUMS_H

#include "ek_dsp.h"
#include "ek_rows.h"

static inline void ek_dsp_sum_four(const int8_t *x, const int8_t *end, int32_t pixel, int32_t *sums)
{
    uint32_t even = 0, odd = 0;
    for (; x != end; x += pixel) {
        uint32_t four = ek_load4(x);
        even = ek_add_even(even, four);
        odd = ek_add_odd(odd, four);
    }
    sums[0] += (int16_t)even;
    sums[1] += (int16_t)odd;
    sums[2] += (int16_t)(even >> 16);
    sums[3] += (int16_t)(odd >> 16);
}

/* Adds rows first..first+n-1 of at most 255 pixels; the first row begins the sums anew. */
static inline void ek_dsp_sum_rows(const ek_rows *input, int32_t first, int32_t n, int32_t width,
                                   int32_t channels, int32_t *sums)
{
    for (int32_t c = 0; first == 0 && c < channels; c++) {
        sums[c] = 0;
    }
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *x = ek_row(input, y), *end = x + width * channels;
        int32_t c = 0;
        for (; c + 4 <= channels; c += 4) {
            ek_dsp_sum_four(x + c, end + c, channels, sums + c);
        }
        for (; c < channels; c++) {
            for (const int8_t *at = x + c; at != end + c; at += channels) {
                sums[c] += *at;
            }
        }
    }
}

#endif
