/* ek_neon_sdot.h -- four pixels or one by 16, 8 or 4 output channels, with SDOT
 *
 * One instruction adds 16 products: four taps of four channels, the taps of the pixel being one lane.
 * Weights stand as [4 taps][groups of 4 channels][4 channels][4 taps] for the one, two or four groups
 * that are made together; taps come in chunks as in ek_neon_dot.h. Sums are scalars, since compilers
 * keep arrays of vectors in memory. */
#ifndef EK_NEON_SDOT_H
#define EK_NEON_SDOT_H

#include "ek_neon.h"

/* 32 bytes at x, which moves on by them. */
#if defined(EK_NEON_TWIN_H)
#define EK_SDOT_PAIR(p, q, x)                                                                      \
    do {                                                                                           \
        p = vld1q_s8(x);                                                                           \
        q = vld1q_s8((x) + 16);                                                                    \
        x += 32;                                                                                   \
    } while (0)
#else
#define EK_SDOT_PAIR(p, q, x)                                                                      \
    __asm__("ldp %q0, %q1, [%2], #32" : "=w"(p), "=w"(q), "+r"(x) : "m"(*(const int8_t(*)[32])(x)))
#endif

/* Lane `lane` of each pixel t.. by the weights v of group g. */
#define EK_SDOT_FOUR(dot, t, g, v, lane)                                                           \
    a##g = dot(a##g, v, t##a, lane);                                                               \
    b##g = dot(b##g, v, t##b, lane);                                                               \
    c##g = dot(c##g, v, t##c, lane);                                                               \
    d##g = dot(d##g, v, t##d, lane)
#define EK_SDOT_ONE(dot, t, g, v, lane) a##g = dot(a##g, v, t##a, lane)

/* Two lanes for one, two or four groups. */
#define EK_SDOT_LANES1(pixels, dot, t, lane)                                                       \
    EK_SDOT_PAIR(u, v, w);                                                                         \
    pixels(dot, t, 0, u, lane);                                                                    \
    pixels(dot, t, 0, v, lane + 1)
#define EK_SDOT_LANE2(pixels, dot, t, first, second, lane)                                         \
    EK_SDOT_PAIR(u, v, w);                                                                         \
    pixels(dot, t, first, u, lane);                                                                \
    pixels(dot, t, second, v, lane)
#define EK_SDOT_LANES2(pixels, dot, t, lane)                                                       \
    EK_SDOT_LANE2(pixels, dot, t, 0, 1, lane);                                                     \
    EK_SDOT_LANE2(pixels, dot, t, 0, 1, lane + 1)
#define EK_SDOT_LANES4(pixels, dot, t, lane)                                                       \
    EK_SDOT_LANE2(pixels, dot, t, 0, 1, lane);                                                     \
    EK_SDOT_LANE2(pixels, dot, t, 2, 3, lane);                                                     \
    EK_SDOT_LANE2(pixels, dot, t, 0, 1, lane + 1);                                                 \
    EK_SDOT_LANE2(pixels, dot, t, 2, 3, lane + 1)
#define EK_SDOT_TAPS16(groups, pixels, t)                                                          \
    EK_SDOT_LANES##groups(pixels, vdotq_laneq_s32, t, 0);                                          \
    EK_SDOT_LANES##groups(pixels, vdotq_laneq_s32, t, 2)

/* How pixels are loaded: 32 taps, of which they move on; 16 or 8 from `at` on. */
#define EK_SDOT_LOAD_FOUR32                                                                        \
    int8x16_t pa, pb, pc, pd, qa, qb, qc, qd;                                                      \
    EK_SDOT_PAIR(pa, qa, xa);                                                                      \
    EK_SDOT_PAIR(pb, qb, xb);                                                                      \
    EK_SDOT_PAIR(pc, qc, xc);                                                                      \
    EK_SDOT_PAIR(pd, qd, xd)
#define EK_SDOT_LOAD_FOUR(type, load, at)                                                          \
    type pa = load(xa + (at)), pb = load(xb + (at)), pc = load(xc + (at)), pd = load(xd + (at))
#define EK_SDOT_LOAD_ONE32                                                                         \
    int8x16_t pa, qa;                                                                              \
    EK_SDOT_PAIR(pa, qa, xa)
#define EK_SDOT_LOAD_ONE(type, load, at) type pa = load(xa + (at))

#define EK_SDOT_CHUNK16(groups, pixels, at)                                                        \
    do {                                                                                           \
        EK_SDOT_LOAD_##pixels(int8x16_t, vld1q_s8, at);                                            \
        EK_SDOT_TAPS16(groups, EK_SDOT_##pixels, p);                                               \
    } while (0)
#define EK_SDOT_CHUNK8(groups, pixels, at)                                                         \
    do {                                                                                           \
        EK_SDOT_LOAD_##pixels(int8x8_t, vld1_s8, at);                                              \
        EK_SDOT_LANES##groups(EK_SDOT_##pixels, vdotq_lane_s32, p, 0);                             \
    } while (0)

/* All k taps of the pixels. */
#define EK_SDOT_TAPS(groups, pixels)                                                               \
    do {                                                                                           \
        int8x16_t u, v;                                                                            \
        int32_t left = k, done = 0;                                                                \
        for (; left >= 32; left -= 32) {                                                           \
            EK_SDOT_LOAD_##pixels##32;                                                             \
            EK_SDOT_TAPS16(groups, EK_SDOT_##pixels, p);                                           \
            EK_SDOT_TAPS16(groups, EK_SDOT_##pixels, q);                                           \
        }                                                                                          \
        if (left >= 16) {                                                                          \
            EK_SDOT_CHUNK16(groups, pixels, 0);                                                    \
            left -= 16;                                                                            \
            done = 16;                                                                             \
        }                                                                                          \
        if (left > 8 && k >= 16) {                                                                 \
            EK_SDOT_CHUNK16(groups, pixels, done + left - 16);                                     \
        } else if (left > 0) {                                                                     \
            if (left > 8) {                                                                        \
                EK_SDOT_CHUNK8(groups, pixels, 0);                                                 \
            }                                                                                      \
            EK_SDOT_CHUNK8(groups, pixels, done + left - 8);                                       \
        }                                                                                          \
    } while (0)

/* Sum s of group g rescaled; outputs of a pixel, or of several, each way of rounding and clamping. */
#define EK_SDOT_R(rescale, s, g) rescale(s##g, multiplier##g, shift##g)
#define EK_SDOT_STORE4(narrow, rescale, range, s, to)                                              \
    vst1q_s8(to, narrow(EK_SDOT_R(rescale, s, 0), EK_SDOT_R(rescale, s, 1),                        \
                        EK_SDOT_R(rescale, s, 2), EK_SDOT_R(rescale, s, 3), range))
#define EK_SDOT_STORE2(narrow, rescale, range, s, to)                                              \
    vst1_s8(to, narrow##8(EK_SDOT_R(rescale, s, 0), EK_SDOT_R(rescale, s, 1), range))
#define EK_SDOT_STORE1(narrow, rescale, range, s, to)                                              \
    do {                                                                                           \
        int32x4_t sum_ = EK_SDOT_R(rescale, s, 0);                                                 \
        int8x8_t out_ = narrow##8(sum_, sum_, range);                                              \
        EK_NEON_STORE_FIRST4(to, out_);                                                            \
    } while (0)
#define EK_SDOT_STORE_FOUR4(narrow, rescale, range)                                                \
    EK_SDOT_STORE4(narrow, rescale, range, a, out);                                                \
    EK_SDOT_STORE4(narrow, rescale, range, b, out + pitch);                                        \
    EK_SDOT_STORE4(narrow, rescale, range, c, out + 2 * pitch);                                    \
    EK_SDOT_STORE4(narrow, rescale, range, d, out + 3 * pitch)
#define EK_SDOT_STORE_FOUR2(narrow, rescale, range)                                                \
    do {                                                                                           \
        int8x16_t ab_ = narrow(EK_SDOT_R(rescale, a, 0), EK_SDOT_R(rescale, a, 1),                 \
                               EK_SDOT_R(rescale, b, 0), EK_SDOT_R(rescale, b, 1), range);         \
        int8x16_t cd_ = narrow(EK_SDOT_R(rescale, c, 0), EK_SDOT_R(rescale, c, 1),                 \
                               EK_SDOT_R(rescale, d, 0), EK_SDOT_R(rescale, d, 1), range);         \
        vst1_s8(out, vget_low_s8(ab_));                                                            \
        vst1_s8(out + pitch, vget_high_s8(ab_));                                                   \
        vst1_s8(out + 2 * pitch, vget_low_s8(cd_));                                                \
        vst1_s8(out + 3 * pitch, vget_high_s8(cd_));                                               \
    } while (0)
#define EK_SDOT_STORE_FOUR1(narrow, rescale, range)                                                \
    do {                                                                                           \
        int8x16_t out_ = narrow(EK_SDOT_R(rescale, a, 0), EK_SDOT_R(rescale, b, 0),                \
                                EK_SDOT_R(rescale, c, 0), EK_SDOT_R(rescale, d, 0), range);        \
        EK_NEON_STORE4(out, out_, 0);                                                              \
        EK_NEON_STORE4(out + pitch, out_, 1);                                                      \
        EK_NEON_STORE4(out + 2 * pitch, out_, 2);                                                  \
        EK_NEON_STORE4(out + 3 * pitch, out_, 3);                                                  \
    } while (0)
#define EK_SDOT_STORE_ONE4(narrow, rescale, range) EK_SDOT_STORE4(narrow, rescale, range, a, out)
#define EK_SDOT_STORE_ONE2(narrow, rescale, range) EK_SDOT_STORE2(narrow, rescale, range, a, out)
#define EK_SDOT_STORE_ONE1(narrow, rescale, range) EK_SDOT_STORE1(narrow, rescale, range, a, out)

/* The sums begin with the biases. */
#define EK_SDOT_BIAS_FOUR(g)                                                                       \
    int32x4_t a##g = vld1q_s32(scales + 12 * (g)), b##g = a##g, c##g = a##g, d##g = a##g
#define EK_SDOT_BIAS_ONE(g) int32x4_t a##g = vld1q_s32(scales + 12 * (g))
/* Loaded before any output is stored, which might change them, for all a compiler knows. */
#define EK_SDOT_SCALES(g)                                                                          \
    int32x4_t multiplier##g = vld1q_s32(scales + 12 * (g) + 4),                                    \
              shift##g = vld1q_s32(scales + 12 * (g) + 8)
#define EK_SDOT_EACH1(each) each(0)
#define EK_SDOT_EACH2(each)                                                                        \
    each(0);                                                                                       \
    each(1)
#define EK_SDOT_EACH4(each)                                                                        \
    each(0);                                                                                       \
    each(1);                                                                                       \
    each(2);                                                                                       \
    each(3)

/* Four pixels from x on, `step` bytes apart, or one, for so many groups of channels. */
#define EK_SDOT_TILE(pixels, groups)                                                               \
    EK_SDOT_EACH##groups(EK_SDOT_BIAS_##pixels);                                                   \
    EK_SDOT_TAPS(groups, pixels);                                                                  \
    EK_SDOT_EACH##groups(EK_SDOT_SCALES);                                                          \
    EK_NEON_RESCALED(m->rescaling, m->range, EK_SDOT_STORE_##pixels##groups)
#define EK_SDOT_FUNCTIONS(groups)                                                                  \
    static inline void ek_sdot_four##groups(const ek_neon_matrix *m, const int8_t *xa,             \
                                            int32_t step, const int8_t *w, const int32_t *scales,  \
                                            int8_t *out)                                           \
    {                                                                                              \
        const int8_t *xb = xa + step, *xc = xb + step, *xd = xc + step;                            \
        int32_t k = m->k, pitch = m->channels;                                                     \
        EK_SDOT_TILE(FOUR, groups);                                                                \
    }                                                                                              \
    static inline void ek_sdot_one##groups(const ek_neon_matrix *m, const int8_t *xa,              \
                                           const int8_t *w, const int32_t *scales, int8_t *out)    \
    {                                                                                              \
        int32_t k = m->k;                                                                          \
        EK_SDOT_TILE(ONE, groups);                                                                 \
    }

EK_SDOT_FUNCTIONS(4)
EK_SDOT_FUNCTIONS(2)
EK_SDOT_FUNCTIONS(1)

/* Blocks of 16 channels, one of 8, then of 4; the last four are made together, some of them again.
 * make(groups) makes the block at channel c. */
#define EK_SDOT_BLOCKS(make)                                                                       \
    const int8_t *w = m->weights;                                                                  \
    const int32_t *scales = m->scales;                                                             \
    int32_t group = EK_NEON_GROUP(m->k), channels = m->channels, c = 0;                            \
    for (; c + 16 <= channels; c += 16) {                                                          \
        make(4, c);                                                                                \
        w += 4 * group;                                                                            \
        scales += 4 * EK_NEON_SCALES;                                                              \
    }                                                                                              \
    if (c + 8 <= channels) {                                                                       \
        make(2, c);                                                                                \
        w += 2 * group;                                                                            \
        scales += 2 * EK_NEON_SCALES;                                                              \
        c += 8;                                                                                    \
    }                                                                                              \
    for (; c < channels; c += 4) {                                                                 \
        int32_t at = c + 4 <= channels ? c : channels - 4;                                         \
        make(1, at);                                                                               \
        w += group;                                                                                \
        scales += EK_NEON_SCALES;                                                                  \
    }

/* All channels of four pixels, whose outputs follow one another. */
#define EK_SDOT_MAKE_FOUR(groups, c) ek_sdot_four##groups(m, x, step, w, scales, out + (c))
static void ek_neon_four(const ek_neon_matrix *m, const int8_t *x, int32_t step, int8_t *out)
{
    EK_SDOT_BLOCKS(EK_SDOT_MAKE_FOUR)
}

/* All channels of one pixel. */
#define EK_SDOT_MAKE_ONE(groups, c) ek_sdot_one##groups(m, x, w, scales, out + (c))
static void ek_neon_one(const ek_neon_matrix *m, const int8_t *x, int8_t *out)
{
    EK_SDOT_BLOCKS(EK_SDOT_MAKE_ONE)
}

#endif
