/* ek_neon_dot.h -- four pixels or one by four output channels, with SMULL, SMLAL and SADALP
 *
 * Three instructions do 16 products: two of int8 share a 16-bit lane before they are added to 32
 * bits. That is exact where the weights that share a lane are at most 255 together in magnitude,
 * which is proved when the model is built (edgekit/neon.py). Weights stand as [4 channels][16 taps],
 * then [4 channels][8 taps] for what is left; the last 8 overlap with weights of 0, so nothing behind
 * a pixel is read. Sums are scalars, since compilers keep arrays of vectors in memory. */
#ifndef EK_NEON_DOT_H
#define EK_NEON_DOT_H

#include "ek_neon.h"

/* Sixteen taps, or eight, of one pixel for four channels: s0 to s3 += x * w0 to w3. As instructions,
 * because GCC, given these as functions, mixes the pixels until the sums do not fit the registers. */
#if defined(EK_NEON_TWIN_H)

static inline int32x4_t ek_neon_dot16(int32x4_t sum, int8x16_t x, int8x16_t w)
{
    int16x8_t products = vmull_s8(vget_low_s8(x), vget_low_s8(w));
    return vpadalq_s16(sum, vmlal_high_s8(products, x, w));
}

#define EK_NEON_DOT16(s, x)                                                                        \
    do {                                                                                           \
        s##0 = ek_neon_dot16(s##0, x, w0);                                                         \
        s##1 = ek_neon_dot16(s##1, x, w1);                                                         \
        s##2 = ek_neon_dot16(s##2, x, w2);                                                         \
        s##3 = ek_neon_dot16(s##3, x, w3);                                                         \
    } while (0)

#define EK_NEON_DOT8(s, x)                                                                         \
    do {                                                                                           \
        s##0 = vpadalq_s16(s##0, vmull_s8(x, w0));                                                 \
        s##1 = vpadalq_s16(s##1, vmull_s8(x, w1));                                                 \
        s##2 = vpadalq_s16(s##2, vmull_s8(x, w2));                                                 \
        s##3 = vpadalq_s16(s##3, vmull_s8(x, w3));                                                 \
    } while (0)

#else

#define EK_NEON_SMULL                                                                              \
    "smull %[t0].8h, %[x_].8b, %[w0_].8b\n smull %[t1].8h, %[x_].8b, %[w1_].8b\n"                   \
    "smull %[t2].8h, %[x_].8b, %[w2_].8b\n smull %[t3].8h, %[x_].8b, %[w3_].8b\n"
#define EK_NEON_SMLAL                                                                              \
    "smlal2 %[t0].8h, %[x_].16b, %[w0_].16b\n smlal2 %[t1].8h, %[x_].16b, %[w1_].16b\n"             \
    "smlal2 %[t2].8h, %[x_].16b, %[w2_].16b\n smlal2 %[t3].8h, %[x_].16b, %[w3_].16b\n"
#define EK_NEON_SADALP                                                                             \
    "sadalp %[s0_].4s, %[t0].8h\n sadalp %[s1_].4s, %[t1].8h\n"                                    \
    "sadalp %[s2_].4s, %[t2].8h\n sadalp %[s3_].4s, %[t3].8h"
#define EK_NEON_DOT(text, s, x)                                                                    \
    do {                                                                                           \
        int16x8_t t0_, t1_, t2_, t3_;                                                              \
        __asm__(text                                                                               \
                : [s0_] "+w"(s##0), [s1_] "+w"(s##1), [s2_] "+w"(s##2), [s3_] "+w"(s##3),          \
                  [t0] "=&w"(t0_), [t1] "=&w"(t1_), [t2] "=&w"(t2_), [t3] "=&w"(t3_)               \
                : [x_] "w"(x), [w0_] "w"(w0), [w1_] "w"(w1), [w2_] "w"(w2), [w3_] "w"(w3));        \
    } while (0)
#define EK_NEON_DOT16(s, x) EK_NEON_DOT(EK_NEON_SMULL EK_NEON_SMLAL EK_NEON_SADALP, s, x)
#define EK_NEON_DOT8(s, x) EK_NEON_DOT(EK_NEON_SMULL EK_NEON_SADALP, s, x)

#endif

/* The sums of each of four vectors, as one. */
static inline int32x4_t ek_neon_totals(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d)
{
    return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
}

#define EK_NEON_RESCALED(s)                                                                        \
    ek_neon_rescale(vaddq_s32(ek_neon_totals(s##0, s##1, s##2, s##3), bias), multiplier, shift)

/* Pixels at x, x + step, x + 2 step, x + 3 step, as bytes [4 pixels][4 channels]. */
static inline int8x16_t ek_neon_tile(const int8_t *x, int32_t step, const int8_t *w, int32_t k,
                                     const int32_t *scales, ek_neon_range r)
{
    const int8_t *xb = x + step, *xc = xb + step, *xd = xc + step;
    int32x4_t zero = vdupq_n_s32(0);
    int32x4_t a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero,
              b3 = zero, c0 = zero, c1 = zero, c2 = zero, c3 = zero, d0 = zero, d1 = zero,
              d2 = zero, d3 = zero;
    int32_t i = 0;
    for (; i + 16 <= k; i += 16) {
        int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 16), w2 = vld1q_s8(w + 32),
                  w3 = vld1q_s8(w + 48);
        w += 64;
        int8x16_t p = vld1q_s8(x + i);
        EK_NEON_DOT16(a, p);
        p = vld1q_s8(xb + i);
        EK_NEON_DOT16(b, p);
        p = vld1q_s8(xc + i);
        EK_NEON_DOT16(c, p);
        p = vld1q_s8(xd + i);
        EK_NEON_DOT16(d, p);
    }
    for (; i < k; i += 8) {
        int32_t at = i + 8 <= k ? i : k - 8;
        int8x8_t w0 = vld1_s8(w), w1 = vld1_s8(w + 8), w2 = vld1_s8(w + 16), w3 = vld1_s8(w + 24);
        w += 32;
        int8x8_t p = vld1_s8(x + at);
        EK_NEON_DOT8(a, p);
        p = vld1_s8(xb + at);
        EK_NEON_DOT8(b, p);
        p = vld1_s8(xc + at);
        EK_NEON_DOT8(c, p);
        p = vld1_s8(xd + at);
        EK_NEON_DOT8(d, p);
    }
    int32x4_t bias = vld1q_s32(scales), multiplier = vld1q_s32(scales + 4),
              shift = vld1q_s32(scales + 8);
    return ek_neon_narrow(EK_NEON_RESCALED(a), EK_NEON_RESCALED(b), EK_NEON_RESCALED(c),
                          EK_NEON_RESCALED(d), r);
}

/* The sums of one pixel, rescaled. */
static inline int32x4_t ek_neon_vector(const int8_t *x, const int8_t *w, int32_t k,
                                       const int32_t *scales)
{
    int32x4_t zero = vdupq_n_s32(0), a0 = zero, a1 = zero, a2 = zero, a3 = zero;
    int32_t i = 0;
    for (; i + 16 <= k; i += 16) {
        int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 16), w2 = vld1q_s8(w + 32),
                  w3 = vld1q_s8(w + 48), p = vld1q_s8(x + i);
        w += 64;
        EK_NEON_DOT16(a, p);
    }
    for (; i < k; i += 8) {
        int8x8_t w0 = vld1_s8(w), w1 = vld1_s8(w + 8), w2 = vld1_s8(w + 16), w3 = vld1_s8(w + 24),
                 p = vld1_s8(x + (i + 8 <= k ? i : k - 8));
        w += 32;
        EK_NEON_DOT8(a, p);
    }
    int32x4_t bias = vld1q_s32(scales), multiplier = vld1q_s32(scales + 4),
              shift = vld1q_s32(scales + 8);
    return EK_NEON_RESCALED(a);
}

/* All channels of four pixels, whose outputs follow one another. */
static void ek_neon_four(const ek_neon_matrix *m, const int8_t *x, int32_t step, int8_t *out)
{
    const int8_t *w = m->weights;
    const int32_t *scales = m->scales;
    int32_t k = m->k, pitch = m->channels;
    ek_neon_range r = m->range;
    for (int32_t left = pitch; left > 0; left -= 4) {
        int8x16_t v = ek_neon_tile(x, step, w, k, scales, r);
        w += EK_NEON_GROUP(k);
        scales += EK_NEON_SCALES;
        ek_neon_store_four(out, pitch, v, left);
        out += 4;
    }
}

/* All channels of one pixel. */
static void ek_neon_one(const ek_neon_matrix *m, const int8_t *x, int8_t *out)
{
    const int8_t *w = m->weights;
    const int32_t *scales = m->scales;
    int32_t k = m->k;
    ek_neon_range r = m->range;
    for (int32_t left = m->channels; left > 0; left -= 4) {
        int32x4_t v = ek_neon_vector(x, w, k, scales);
        w += EK_NEON_GROUP(k);
        scales += EK_NEON_SCALES;
        ek_neon_store_one(out, ek_neon_narrow(v, v, v, v, r), left);
        out += 4;
    }
}

#endif
