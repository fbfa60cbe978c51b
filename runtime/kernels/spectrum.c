/* spectrum.c -- magnitudes of the spectra of frames of a signal; semantics in edgekit/ops/spectrum.py */
#include "ek_spectrum.h"
#include "ek_spectral.h"

/* The windowed frame of a row, and zeros behind it. */
static void load(const ek_spectrum_params *p, const ek_rows *input, int32_t row, int32_t *out)
{
    const int16_t *w = p->window;
    for (int32_t left = p->frame; left > 0; left -= p->piece, row++) {
        const int16_t *x = (const int16_t *)(void *)ek_row(input, row);
        for (int32_t i = left < p->piece ? left : p->piece; i > 0; i--) {
            *out++ = *x++ * *w++;
        }
    }
    for (int32_t i = p->frame; i < p->length; i++) {
        *out++ = 0;
    }
}

/* The order that the passes want: that of the places' bits reversed. */
static void reverse(ek_complex *z, int32_t size)
{
    for (int32_t i = 1, j = 0; i < size; i++) {
        int32_t bit = size >> 1;
        for (; j & bit; bit >>= 1) {
            j ^= bit;
        }
        j ^= bit;
        if (i < j) {
            ek_complex other = z[i];
            z[i] = z[j];
            z[j] = other;
        }
    }
}

void ek_spectrum_s8(const ek_spectrum_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    ek_complex *z = (ek_complex *)(void *)scratch;
    for (int32_t y = first; y < first + n; y++) {
        load(p, input, y * p->step, (int32_t *)(void *)scratch);
        reverse(z, p->length >> 1);
        ek_fft(z, p->length >> 1, p->twiddle);
        int32_t *out = (int32_t *)(void *)ek_row(output, y);
        for (int32_t k = 0; k < p->bins; k++) {
            ek_complex bin = ek_fft_bin(z, p->length >> 1, p->twiddle, p->first + k);
            out[k] = ek_root((uint64_t)((int64_t)bin.re * bin.re) + (uint64_t)((int64_t)bin.im * bin.im));
        }
    }
}
