/* fully_connected_rows_dsp.c -- dense layer on a map, row by row, with DSP; two channels as bytes of a
 * 16-bit lane, four channels at a time */
#include "ek_dsp.h"
#include "ek_fixed.h"
#include "ek_fully_connected_rows_dsp.h"

/* Four values with the four channels of a group. */
static inline void multiply(uint32_t x, const int32_t *w, int32_t sums[4])
{
    uint32_t even = ek_even(x), odd = ek_odd(x);
    for (int32_t pair = 0; pair < 4; pair += 2) {
        uint32_t evens = (uint32_t)w[pair], odds = (uint32_t)w[pair + 1];
        sums[pair] = ek_smlad(odd, ek_even(odds), ek_smlad(even, ek_even(evens), sums[pair]));
        sums[pair + 1] = ek_smlad(odd, ek_odd(odds), ek_smlad(even, ek_odd(evens), sums[pair + 1]));
    }
}

/* Adds the share of one row of the map, whose weights begin at `w`. */
static void add_row(const ek_fully_connected_rows_dsp_params *p, const int8_t *x, const int32_t *w,
                    int32_t *sums)
{
    int32_t row = p->in_w * p->in_c, part = row & 3;
    const int8_t *end = x + row - part;
    uint32_t last = 0;
    for (int32_t i = 0; i < part; i++) {
        last |= (uint32_t)(uint8_t)end[i] << 8 * i;
    }
    for (int32_t c = 0; c < p->out_c; c += 4) {
        int32_t four[4] = {0, 0, 0, 0}, channels = p->out_c - c < 4 ? p->out_c - c : 4;
        for (int32_t i = 0; i < channels; i++) {
            four[i] = sums[c + i];
        }
        for (const int8_t *at = x; at != end; at += 4) {
            multiply(ek_load4(at), w, four);
            w += 4;
        }
        if (part > 0) {
            multiply(last, w, four);
            w += 4;
        }
        for (int32_t i = 0; i < channels; i++) {
            sums[c + i] = four[i];
        }
    }
}

void ek_fully_connected_rows_s8_dsp(const ek_fully_connected_rows_dsp_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t *sums = (int32_t *)(void *)scratch;
    int32_t words = (p->in_w * p->in_c + 3) / 4 * 4 * ((p->out_c + 3) / 4);
    for (int32_t c = 0; first == 0 && c < p->out_c; c++) {
        sums[c] = p->scales[4 * c];
    }
    for (int32_t y = first; y < first + n; y++) {
        add_row(p, ek_row(input, y), p->weights + y * words, sums);
    }
    for (int32_t c = 0; first + n == p->in_h && c < p->out_c; c++) {
        const int32_t *scale = p->scales + 4 * c;
        int32_t v = ek_dsp_rescale(2 * sums[c], scale[1], scale[2], scale[3]);
        output[c] = (int8_t)ek_clamp(v, p->out_min, p->out_max);
    }
}
