/* spectrum.c -- magnitudes of the spectra of frames of a signal; semantics in edgekit/ops/spectrum.py */
#include "ek_spectrum.h"
#include "ek_spectral.h"

/* The windowed frame of a row: even samples as real, odd ones as imaginary parts, in the order that the
 * transform wants, which is that of the bits reversed. */
static void load(const ek_spectrum_params *p, const ek_rows *input, int32_t row, int32_t *z)
{
    const int16_t *x = NULL;
    uint32_t place = 0, highest = (uint32_t)p->length >> 2;
    for (int32_t i = 0, left = 0; i < p->length; i++) {
        int32_t value = 0;
        if (i < p->frame) {
            if (left == 0) {
                x = (const int16_t *)(void *)ek_row(input, row++);
                left = p->piece;
            }
            value = *x++ * p->window[i];
            left--;
        }
        z[2 * place + (uint32_t)(i & 1)] = value;
        if (i & 1) {
            uint32_t bit = highest;
            for (; place & bit; bit >>= 1) {
                place ^= bit;
            }
            place |= bit;
        }
    }
}

void ek_spectrum_s8(const ek_spectrum_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    ek_complex *z = (ek_complex *)(void *)scratch;
    for (int32_t y = first; y < first + n; y++) {
        load(p, input, y * p->step, (int32_t *)(void *)scratch);
        ek_fft(z, p->length >> 1, p->twiddle);
        int32_t *out = (int32_t *)(void *)ek_row(output, y);
        for (int32_t k = 0; k < p->bins; k++) {
            ek_complex bin = ek_fft_bin(z, p->length >> 1, p->twiddle, p->first + k);
            out[k] = ek_root((uint64_t)((int64_t)bin.re * bin.re) + (uint64_t)((int64_t)bin.im * bin.im));
        }
    }
}
