/* ek_neon_sdot.h -- four pixels or one by 16 output channels, or 4, with SDOT
 *
 * One instruction adds 16 products: four taps of four channels, the taps of the pixel being one lane.
 * Weights stand as [4 channels][4 taps]; taps come in chunks as in ek_neon_dot.h. Sums are scalars, since
 * compilers keep arrays of vectors in memory. */
#ifndef EK_NEON_SDOT_H
#define EK_NEON_SDOT_H

#include "ek_neon.h"

/* Whether tap i begins a chunk of 16 taps, and where one of n taps from there on is read. */
#define EK_SDOT_MORE16 (k >= 16 && k - i > 8)
#define EK_SDOT_AT(n) (i + (n) <= k ? i : k - (n))

/* Four taps at lane `lane` of the pixels p (a first sum, then the channels w.. of its group g). */
#define EK_SDOT_GROUP(g, lane)                                                                     \
    do {                                                                                           \
        int8x16_t w_ = vld1q_s8(w##g + 16 * (lane));                                               \
        a##g = vdotq_laneq_s32(a##g, w_, pa, lane);                                                \
        b##g = vdotq_laneq_s32(b##g, w_, pb, lane);                                                \
        c##g = vdotq_laneq_s32(c##g, w_, pc, lane);                                                \
        d##g = vdotq_laneq_s32(d##g, w_, pd, lane);                                                \
    } while (0)

#define EK_SDOT_16(lane)                                                                           \
    do {                                                                                           \
        EK_SDOT_GROUP(0, lane);                                                                    \
        EK_SDOT_GROUP(1, lane);                                                                    \
        EK_SDOT_GROUP(2, lane);                                                                    \
        EK_SDOT_GROUP(3, lane);                                                                    \
    } while (0)

#define EK_SDOT_PIXELS(load, i)                                                                    \
    int32_t at_ = i;                                                                               \
    int8x16_t pa = load(x + at_), pb = load(xb + at_), pc = load(xc + at_), pd = load(xd + at_)

/* Eight taps in the lower half of a vector. */
static inline int8x16_t ek_sdot_load8(const int8_t *x)
{
    return vcombine_s8(vld1_s8(x), vdup_n_s8(0));
}

#define EK_SDOT_OUT(s)                                                                             \
    ek_neon_narrow(ek_neon_rescale(s##0, m0, n0), ek_neon_rescale(s##1, m1, n1),                   \
                   ek_neon_rescale(s##2, m2, n2), ek_neon_rescale(s##3, m3, n3), r)

/* 16 channels of the pixels at x, x + step, x + 2 step, x + 3 step. */
static inline void ek_sdot_4x16(const int8_t *x, int32_t step, const int8_t *w0, int32_t k,
                                const int32_t *scales, ek_neon_range r, int8_t *out, int32_t pitch)
{
    const int8_t *xb = x + step, *xc = xb + step, *xd = xc + step;
    const int8_t *w1 = w0 + EK_NEON_GROUP(k), *w2 = w1 + EK_NEON_GROUP(k),
                 *w3 = w2 + EK_NEON_GROUP(k);
    int32x4_t a0 = vld1q_s32(scales), a1 = vld1q_s32(scales + 12), a2 = vld1q_s32(scales + 24),
              a3 = vld1q_s32(scales + 36);
    int32x4_t b0 = a0, b1 = a1, b2 = a2, b3 = a3, c0 = a0, c1 = a1, c2 = a2, c3 = a3, d0 = a0,
              d1 = a1, d2 = a2, d3 = a3;
    int32_t i = 0;
    for (; EK_SDOT_MORE16; i += 16) {
        EK_SDOT_PIXELS(vld1q_s8, EK_SDOT_AT(16));
        EK_SDOT_16(0);
        EK_SDOT_16(1);
        EK_SDOT_16(2);
        EK_SDOT_16(3);
        w0 += 64;
        w1 += 64;
        w2 += 64;
        w3 += 64;
    }
    for (; i < k; i += 8) {
        EK_SDOT_PIXELS(ek_sdot_load8, EK_SDOT_AT(8));
        EK_SDOT_16(0);
        EK_SDOT_16(1);
        w0 += 32;
        w1 += 32;
        w2 += 32;
        w3 += 32;
    }
    int32x4_t m0 = vld1q_s32(scales + 4), m1 = vld1q_s32(scales + 16), m2 = vld1q_s32(scales + 28),
              m3 = vld1q_s32(scales + 40);
    int32x4_t n0 = vld1q_s32(scales + 8), n1 = vld1q_s32(scales + 20), n2 = vld1q_s32(scales + 32),
              n3 = vld1q_s32(scales + 44);
    vst1q_s8(out, EK_SDOT_OUT(a));
    vst1q_s8(out + pitch, EK_SDOT_OUT(b));
    vst1q_s8(out + 2 * pitch, EK_SDOT_OUT(c));
    vst1q_s8(out + 3 * pitch, EK_SDOT_OUT(d));
}

/* Four channels of the same pixels, as bytes [4 pixels][4 channels]. */
static inline int8x16_t ek_sdot_4x4(const int8_t *x, int32_t step, const int8_t *w0, int32_t k,
                                    const int32_t *scales, ek_neon_range r)
{
    const int8_t *xb = x + step, *xc = xb + step, *xd = xc + step;
    int32x4_t a0 = vld1q_s32(scales), b0 = a0, c0 = a0, d0 = a0;
    int32_t i = 0;
    for (; EK_SDOT_MORE16; i += 16) {
        EK_SDOT_PIXELS(vld1q_s8, EK_SDOT_AT(16));
        EK_SDOT_GROUP(0, 0);
        EK_SDOT_GROUP(0, 1);
        EK_SDOT_GROUP(0, 2);
        EK_SDOT_GROUP(0, 3);
        w0 += 64;
    }
    for (; i < k; i += 8) {
        EK_SDOT_PIXELS(ek_sdot_load8, EK_SDOT_AT(8));
        EK_SDOT_GROUP(0, 0);
        EK_SDOT_GROUP(0, 1);
        w0 += 32;
    }
    int32x4_t m = vld1q_s32(scales + 4), n = vld1q_s32(scales + 8);
    return ek_neon_narrow(ek_neon_rescale(a0, m, n), ek_neon_rescale(b0, m, n),
                          ek_neon_rescale(c0, m, n), ek_neon_rescale(d0, m, n), r);
}

/* Four taps of one pixel by the channels of group g. */
#define EK_SDOT_ONE(g, lane)                                                                       \
    a##g = vdotq_laneq_s32(a##g, vld1q_s8(w##g + 16 * (lane)), pa, lane)

#define EK_SDOT_ONE_16(lane)                                                                       \
    do {                                                                                           \
        EK_SDOT_ONE(0, lane);                                                                      \
        EK_SDOT_ONE(1, lane);                                                                      \
        EK_SDOT_ONE(2, lane);                                                                      \
        EK_SDOT_ONE(3, lane);                                                                      \
    } while (0)

/* 16 channels of one pixel. */
static inline int8x16_t ek_sdot_1x16(const int8_t *x, const int8_t *w0, int32_t k,
                                     const int32_t *scales, ek_neon_range r)
{
    const int8_t *w1 = w0 + EK_NEON_GROUP(k), *w2 = w1 + EK_NEON_GROUP(k),
                 *w3 = w2 + EK_NEON_GROUP(k);
    int32x4_t a0 = vld1q_s32(scales), a1 = vld1q_s32(scales + 12), a2 = vld1q_s32(scales + 24),
              a3 = vld1q_s32(scales + 36);
    int32_t i = 0;
    for (; EK_SDOT_MORE16; i += 16) {
        int8x16_t pa = vld1q_s8(x + EK_SDOT_AT(16));
        EK_SDOT_ONE_16(0);
        EK_SDOT_ONE_16(1);
        EK_SDOT_ONE_16(2);
        EK_SDOT_ONE_16(3);
        w0 += 64;
        w1 += 64;
        w2 += 64;
        w3 += 64;
    }
    for (; i < k; i += 8) {
        int8x16_t pa = ek_sdot_load8(x + EK_SDOT_AT(8));
        EK_SDOT_ONE_16(0);
        EK_SDOT_ONE_16(1);
        w0 += 32;
        w1 += 32;
        w2 += 32;
        w3 += 32;
    }
    int32x4_t m0 = vld1q_s32(scales + 4), m1 = vld1q_s32(scales + 16), m2 = vld1q_s32(scales + 28),
              m3 = vld1q_s32(scales + 40);
    int32x4_t n0 = vld1q_s32(scales + 8), n1 = vld1q_s32(scales + 20), n2 = vld1q_s32(scales + 32),
              n3 = vld1q_s32(scales + 44);
    return EK_SDOT_OUT(a);
}

/* Four channels of one pixel, repeated. */
static inline int8x16_t ek_sdot_1x4(const int8_t *x, const int8_t *w0, int32_t k,
                                    const int32_t *scales, ek_neon_range r)
{
    int32x4_t a0 = vld1q_s32(scales);
    int32_t i = 0;
    for (; EK_SDOT_MORE16; i += 16) {
        int8x16_t pa = vld1q_s8(x + EK_SDOT_AT(16));
        EK_SDOT_ONE(0, 0);
        EK_SDOT_ONE(0, 1);
        EK_SDOT_ONE(0, 2);
        EK_SDOT_ONE(0, 3);
        w0 += 64;
    }
    for (; i < k; i += 8) {
        int8x16_t pa = ek_sdot_load8(x + EK_SDOT_AT(8));
        EK_SDOT_ONE(0, 0);
        EK_SDOT_ONE(0, 1);
        w0 += 32;
    }
    int32x4_t v = ek_neon_rescale(a0, vld1q_s32(scales + 4), vld1q_s32(scales + 8));
    return ek_neon_narrow(v, v, v, v, r);
}

/* All channels of four pixels, whose outputs follow one another. The last four channels are made
 * together, some of them again. */
static void ek_neon_four(const ek_neon_matrix *m, const int8_t *x, int32_t step, int8_t *out)
{
    const int8_t *w = m->weights;
    const int32_t *scales = m->scales;
    int32_t k = m->k, channels = m->channels, last = channels - 4, c = 0;
    ek_neon_range r = m->range;
    for (; c + 16 <= channels; c += 16) {
        ek_sdot_4x16(x, step, w, k, scales, r, out + c, channels);
        w += 4 * EK_NEON_GROUP(k);
        scales += 4 * EK_NEON_SCALES;
    }
    for (; c < channels; c += 4) {
        int8x16_t v = ek_sdot_4x4(x, step, w, k, scales, r);
        w += EK_NEON_GROUP(k);
        scales += EK_NEON_SCALES;
        int8_t *to = out + (c < last ? c : last);
        EK_NEON_STORE4(to, v, 0);
        EK_NEON_STORE4(to + channels, v, 1);
        EK_NEON_STORE4(to + 2 * channels, v, 2);
        EK_NEON_STORE4(to + 3 * channels, v, 3);
    }
}

/* All channels of one pixel. */
static void ek_neon_one(const ek_neon_matrix *m, const int8_t *x, int8_t *out)
{
    const int8_t *w = m->weights;
    const int32_t *scales = m->scales;
    int32_t k = m->k, channels = m->channels, last = channels - 4, c = 0;
    ek_neon_range r = m->range;
    for (; c + 16 <= channels; c += 16) {
        vst1q_s8(out + c, ek_sdot_1x16(x, w, k, scales, r));
        w += 4 * EK_NEON_GROUP(k);
        scales += 4 * EK_NEON_SCALES;
    }
    for (; c < channels; c += 4) {
        int8x16_t v = ek_sdot_1x4(x, w, k, scales, r);
        w += EK_NEON_GROUP(k);
        scales += EK_NEON_SCALES;
        int8_t *to = out + (c < last ? c : last);
        EK_NEON_STORE4(to, v, 0);
    }
}

#endif
