/* ek_spectral.h -- spectra, roots and logarithms; twin of edgekit/families/spectral.py, specified in SPEC.md */
#ifndef EK_SPECTRAL_H
#define EK_SPECTRAL_H

#include "ek_fixed.h"

typedef struct {
    int32_t re, im;
} ek_complex;

/* floor(x * y / 2^32) */
#if defined(__thumb__) && !defined(__thumb2__)
static inline int32_t ek_high_product(int32_t x, int32_t y)
{
    uint32_t x_low = (uint32_t)x & 0xFFFFu, y_low = (uint32_t)y & 0xFFFFu;
    int32_t middle = (x >> 16) * (int32_t)y_low + (int32_t)(x_low * y_low >> 16);
    int32_t other = (int32_t)x_low * (y >> 16) + (middle & 0xFFFF);
    return (x >> 16) * (y >> 16) + (middle >> 16) + (other >> 16);
}
#else
static inline int32_t ek_high_product(int32_t x, int32_t y)
{
    return (int32_t)(((int64_t)x * y) >> 32);
}
#endif

/* a and b become (a + t) and (a - t), t = b w and all of it halved; w = cos - i sin */
static inline void ek_butterfly(ek_complex *a, ek_complex *b, ek_complex t)
{
    int32_t re = a->re >> 1, im = a->im >> 1;
    a->re = re + t.re;
    a->im = im + t.im;
    b->re = re - t.re;
    b->im = im - t.im;
}

/* Half of b times w. */
static inline ek_complex ek_turned(const ek_complex *b, int32_t cos, int32_t sin)
{
    ek_complex t = {ek_high_product(b->re, cos) + ek_high_product(b->im, sin),
                    ek_high_product(b->im, cos) - ek_high_product(b->re, sin)};
    return t;
}

/* The same times -i. */
static inline ek_complex ek_quarter(ek_complex t)
{
    ek_complex turned = {t.im, -t.re};
    return turned;
}

static inline ek_complex ek_halved(ek_complex a)
{
    ek_complex half = {a.re >> 1, a.im >> 1};
    return half;
}

/* The first two passes, which multiply nothing. */
static inline void ek_fft_begin(ek_complex *z, int32_t size)
{
    for (int32_t block = 0; block < size; block += 4, z += 4) {
        ek_complex a = z[0], b = z[1], c = z[2], d = z[3];
        ek_butterfly(&a, &b, ek_halved(b));
        ek_butterfly(&c, &d, ek_halved(d));
        ek_butterfly(&a, &c, ek_halved(c));
        ek_butterfly(&b, &d, ek_quarter(ek_halved(d)));
        z[0] = a;
        z[1] = b;
        z[2] = c;
        z[3] = d;
    }
}

/* Blocks of 2 * half members made of their halves. Member j + half / 2 is turned as member j is, and by
 * a quarter more; j = 0 is not turned. */
static inline void ek_fft_pass(ek_complex *z, int32_t size, int32_t half, const int32_t *twiddle, int32_t step)
{
    int32_t quarter = half >> 1;
    for (int32_t block = 0; block < size; block += 2 * half) {
        ek_complex *a = z + block, *b = a + half;
        const int32_t *w = twiddle + 2 * step;
        ek_butterfly(a, b, ek_halved(*b));
        ek_butterfly(a + quarter, b + quarter, ek_quarter(ek_halved(b[quarter])));
        for (int32_t j = 1; j < quarter; j++, w += 2 * step) {
            a++;
            b++;
            ek_butterfly(a, b, ek_turned(b, w[0], w[1]));
            ek_butterfly(a + quarter, b + quarter, ek_quarter(ek_turned(b + quarter, w[0], w[1])));
        }
    }
}

/* The transform of `size` members, four or more, that stand in bit-reversed order, divided by `size`.
 * `twiddle` has the cosines and sines of a quarter of a circle of 2 * size points. */
static inline void ek_fft(ek_complex *z, int32_t size, const int32_t *twiddle)
{
    ek_fft_begin(z, size);
    for (int32_t half = 4; half < size; half *= 2) {
        ek_fft_pass(z, size, half, twiddle, size / half);
    }
}

/* Bin k of the spectrum of 2 * size real members, whose even and odd ones are the parts of z, divided by
 * their number. */
static inline ek_complex ek_fft_bin(const ek_complex *z, int32_t size, const int32_t *twiddle, int32_t k)
{
    ek_complex bin;
    if (k == 0 || k == size) {
        int32_t even = z->re >> 1, odd = z->im >> 1;
        bin.re = k == 0 ? even + odd : even - odd;
        bin.im = 0;
        return bin;
    }
    if (2 * k == size) {
        bin.re = z[k].re >> 1;
        bin.im = -(z[k].im >> 1);
        return bin;
    }
    int32_t low = 2 * k < size ? k : size - k;
    const ek_complex *a = z + low, *b = z + (size - low);
    int32_t odd_re = (a->re >> 1) - (b->re >> 1), odd_im = (a->im >> 1) + (b->im >> 1);
    int32_t cos = twiddle[2 * low], sin = twiddle[2 * low + 1];
    int32_t re = ek_high_product(odd_im, cos) - ek_high_product(odd_re, sin);
    int32_t im = -ek_high_product(odd_re, cos) - ek_high_product(odd_im, sin);
    int32_t even_re = ((a->re >> 1) + (b->re >> 1)) >> 1, even_im = ((a->im >> 1) - (b->im >> 1)) >> 1;
    bin.re = low == k ? even_re + re : even_re - re;
    bin.im = low == k ? even_im + im : -(even_im - im);
    return bin;
}

/* How many bits x has. */
static inline int32_t ek_bit_length(uint32_t x)
{
    int32_t length = 0;
    for (int32_t step = 16; step > 0; step >>= 1) {
        if (x >> step > 0) {
            x >>= step;
            length += step;
        }
    }
    return length + (int32_t)x;
}

/* The square root rounded down, bit by bit. */
static inline uint32_t ek_root32(uint32_t x)
{
    uint32_t result = 0;
    for (uint32_t bit = UINT32_C(1) << 30; bit > 0; bit >>= 2) {
        uint32_t trial = result + bit;
        result >>= 1;
        if (x >= trial) {
            x -= trial;
            result += bit;
        }
    }
    return result;
}

/* The square root of x < 2^62, to its 16 highest bits. */
static inline int32_t ek_root(uint64_t x)
{
    int32_t drop = (ek_bit_length((uint32_t)(x >> 32)) + 1) >> 1;
    return (int32_t)(ek_root32((uint32_t)(x >> 2 * drop)) << drop);
}

/* log2(x) in Q24, x from 1; the table has 65 entries */
static inline int32_t ek_log2(uint32_t x, const int32_t *table)
{
    int32_t length = ek_bit_length(x);
    uint32_t mantissa = x << (32 - length);
    const int32_t *at = table + ((mantissa >> 25) & 63u);
    int32_t rest = (int32_t)((mantissa >> 13) & 4095u);
    return (length - 1) * (1 << 24) + at[0] + (((at[1] - at[0]) * rest) >> 12);
}

/* log2(x + offset / 4096) in Q24; of 0 that of 1 step */
static inline int32_t ek_offset_log2(uint32_t x, int32_t offset, const int32_t *table)
{
    int32_t small = x < UINT32_C(1) << 18;
    uint32_t moved = small ? (x << 12) + (uint32_t)offset : x + (uint32_t)(offset >> 12);
    return ek_log2(moved > 0 ? moved : 1, table) - (small ? 12 << 24 : 0);
}

#endif
