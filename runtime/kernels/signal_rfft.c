/* signal_rfft.c -- Fourier transform of int16 samples; semantics in edgekit/ops/signal_rfft.py */
#include "ek_signal.h"
#include "ek_signal_rfft.h"

static int16_t sample(const ek_signal_rfft_params *p, const int16_t *x, int32_t i)
{
    return i < p->count ? x[i] : 0;
}

/* Half of a sum of two parts, of which the sum wraps nowhere. */
static int16_t half(int32_t sum)
{
    return (int16_t)(sum >> 1);
}

/* Bins k and half - k, from the members of the transform that stand in their places. */
static void separate(ek_pair *low, ek_pair *high, const int16_t *turn)
{
    ek_pair a = ek_pair_part(*low, 16383), b = ek_pair_part(*high, 16383);
    b.im = (int16_t)-b.im;
    ek_pair even = ek_pair_sum(a, b), odd = ek_pair_product(ek_pair_difference(a, b), turn);
    low->re = half(even.re + odd.re);
    low->im = half(even.im + odd.im);
    high->re = half(even.re - odd.re);
    high->im = half(odd.im - even.im);
}

void ek_signal_rfft_s8(const ek_signal_rfft_params *p, const int8_t *input, int8_t *output)
{
    const int16_t *x = (const int16_t *)(const void *)input;
    ek_pair *z = (ek_pair *)(void *)output;
    int32_t count = p->length >> 1;
    for (int32_t i = 0; i < count; i++) {
        z[i].re = sample(p, x, 2 * p->places[i]);
        z[i].im = sample(p, x, 2 * p->places[i] + 1);
    }
    ek_signal_fft(z, count, p->twiddle);
    ek_pair first = ek_pair_part(z[0], 16383);
    for (int32_t k = 1; 2 * k <= count; k++) {
        separate(z + k, z + count - k, p->turn + 2 * (k - 1));
    }
    z[0].re = (int16_t)(first.re + first.im);
    z[0].im = 0;
    z[count].re = (int16_t)(first.re - first.im);
    z[count].im = 0;
}
