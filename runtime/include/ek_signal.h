/* ek_signal.h -- the 16-bit transform of KISS FFT, and roots; twin of edgekit/families/signal.py */
#ifndef EK_SIGNAL_H
#define EK_SIGNAL_H

#include <stdint.h>

typedef struct {
    int16_t re, im;
} ek_pair;

/* A product of Q0.15 numbers in Q0.15. */
static inline int16_t ek_rounded(int32_t x)
{
    return (int16_t)((x + (1 << 14)) >> 15);
}

static inline ek_pair ek_pair_sum(ek_pair a, ek_pair b)
{
    ek_pair sum = {(int16_t)(a.re + b.re), (int16_t)(a.im + b.im)};
    return sum;
}

static inline ek_pair ek_pair_difference(ek_pair a, ek_pair b)
{
    ek_pair difference = {(int16_t)(a.re - b.re), (int16_t)(a.im - b.im)};
    return difference;
}

/* a times w, of which w has cosine and sine. */
static inline ek_pair ek_pair_product(ek_pair a, const int16_t *w)
{
    ek_pair product = {ek_rounded(a.re * w[0] - a.im * w[1]), ek_rounded(a.re * w[1] + a.im * w[0])};
    return product;
}

/* a over a number, as a product with its reciprocal in Q0.15. */
static inline ek_pair ek_pair_part(ek_pair a, int32_t reciprocal)
{
    ek_pair part = {ek_rounded(a.re * reciprocal), ek_rounded(a.im * reciprocal)};
    return part;
}

static inline void ek_pass_two(ek_pair *z, int32_t m, const int16_t *twiddle, int32_t step)
{
    for (int32_t j = 0; j < m; j++, z++) {
        ek_pair a = ek_pair_part(z[0], 16383);
        ek_pair b = ek_pair_product(ek_pair_part(z[m], 16383), twiddle + 2 * j * step);
        z[m] = ek_pair_difference(a, b);
        z[0] = ek_pair_sum(a, b);
    }
}

static inline void ek_pass_four(ek_pair *z, int32_t m, const int16_t *twiddle, int32_t step)
{
    for (int32_t j = 0; j < m; j++, z++) {
        ek_pair a = ek_pair_part(z[0], 8191);
        ek_pair b = ek_pair_product(ek_pair_part(z[m], 8191), twiddle + 2 * j * step);
        ek_pair c = ek_pair_product(ek_pair_part(z[2 * m], 8191), twiddle + 4 * j * step);
        ek_pair d = ek_pair_product(ek_pair_part(z[3 * m], 8191), twiddle + 6 * j * step);
        ek_pair even = ek_pair_sum(a, c), odd = ek_pair_sum(b, d);
        ek_pair rest = ek_pair_difference(a, c), turned = ek_pair_difference(b, d);
        z[0] = ek_pair_sum(even, odd);
        z[2 * m] = ek_pair_difference(even, odd);
        z[m].re = (int16_t)(rest.re + turned.im);
        z[m].im = (int16_t)(rest.im - turned.re);
        z[3 * m].re = (int16_t)(rest.re - turned.im);
        z[3 * m].im = (int16_t)(rest.im + turned.re);
    }
}

/* All passes over n = 2^k members, which stand in the order that they want: that of two, where k is odd,
 * then those of four. */
static inline void ek_signal_fft(ek_pair *z, int32_t n, const int16_t *twiddle)
{
    int32_t m = 1;
    for (int32_t size = n; size > 1; size >>= 2) {
        m = size == 2 ? 2 : m;
    }
    for (int32_t block = 0; m == 2 && block < n; block += 2) {
        ek_pass_two(z + block, 1, twiddle, n / 2);
    }
    for (; m < n; m *= 4) {
        for (int32_t block = 0; block < n; block += 4 * m) {
            ek_pass_four(z + block, m, twiddle, n / (4 * m));
        }
    }
}

#endif
