/* ek_neon_dot.h -- four pixels or one by four output channels, with SMULL, SMLAL and SADALP
 *
 * Three instructions do 16 products: two of int8 share a 16-bit lane before they are added to 32
 * bits. That is exact where the weights that share a lane are at most 255 together in magnitude,
 * which is proved when the model is built (edgekit/isa/neon.py). Weights stand as [4 channels][16 taps],
 * the last at most 8 as [4 channels][8 taps]. The last chunk overlaps the one before it with weights
 * of 0, so nothing behind a pixel is read. Sums are scalars, since compilers keep arrays of vectors in
 * memory. */
#ifndef EK_NEON_DOT_H
#define EK_NEON_DOT_H

#include "ek_neon.h"

/* Taps of one pixel for four channels: s0 to s3 (+)= x * w0 to w3. As instructions, because GCC, given
 * these as functions, mixes the pixels until the sums do not fit the registers. */
#if defined(EK_NEON_TWIN_H)

#define EK_NEON_EACH(dot, s, x, w)                                                                 \
    do {                                                                                           \
        s##0 = dot(s##0, x, w##0);                                                                 \
        s##1 = dot(s##1, x, w##1);                                                                 \
        s##2 = dot(s##2, x, w##2);                                                                 \
        s##3 = dot(s##3, x, w##3);                                                                 \
    } while (0)

static inline int32x4_t ek_neon_dot8(int32x4_t sum, int8x8_t x, int8x8_t w)
{
    return vpadalq_s16(sum, vmull_s8(x, w));
}

static inline int32x4_t ek_neon_dot16(int32x4_t sum, int8x16_t x, int8x16_t w)
{
    int16x8_t products = vmull_s8(vget_low_s8(x), vget_low_s8(w));
    return vpadalq_s16(sum, vmlal_high_s8(products, x, w));
}

#define EK_NEON_FOUR_OF(type, s, r0, r1, r2, r3) type s##0, s##1, s##2, s##3
#define EK_NEON_SET8(s, x, w)                                                                      \
    do {                                                                                           \
        s##0 = s##1 = s##2 = s##3 = vdupq_n_s32(0);                                                \
        EK_NEON_ADD8(s, x, w);                                                                     \
    } while (0)
#define EK_NEON_SET16(s, x, w)                                                                     \
    do {                                                                                           \
        s##0 = s##1 = s##2 = s##3 = vdupq_n_s32(0);                                                \
        EK_NEON_ADD16(s, x, w);                                                                    \
    } while (0)
#define EK_NEON_ADD8(s, x, w) EK_NEON_EACH(ek_neon_dot8, s, x, w)
#define EK_NEON_ADD16(s, x, w) EK_NEON_EACH(ek_neon_dot16, s, x, w)
#define EK_NEON_LOAD32(w)                                                                          \
    do {                                                                                           \
        EK_NEON_RELOAD16(u, w);                                                                    \
        EK_NEON_RELOAD16(v, w + 64);                                                               \
        w += 128;                                                                                  \
    } while (0)
#define EK_NEON_SET32(s, x)                                                                        \
    do {                                                                                           \
        EK_NEON_SET16(s, vld1q_s8(x), u);                                                          \
        EK_NEON_ADD16(s, vld1q_s8((x) + 16), v);                                                   \
        x += 32;                                                                                   \
    } while (0)
#define EK_NEON_ADD32(s, x)                                                                        \
    do {                                                                                           \
        EK_NEON_ADD16(s, vld1q_s8(x), u);                                                          \
        EK_NEON_ADD16(s, vld1q_s8((x) + 16), v);                                                   \
        x += 32;                                                                                   \
    } while (0)

#else

#define EK_NEON_SMULL                                                                              \
    "smull %[t0].8h, %[x_].8b, %[w0_].8b\n smull %[t1].8h, %[x_].8b, %[w1_].8b\n"                  \
    "smull %[t2].8h, %[x_].8b, %[w2_].8b\n smull %[t3].8h, %[x_].8b, %[w3_].8b\n"
#define EK_NEON_SMLAL2                                                                             \
    "smlal2 %[t0].8h, %[x_].16b, %[w0_].16b\n smlal2 %[t1].8h, %[x_].16b, %[w1_].16b\n"            \
    "smlal2 %[t2].8h, %[x_].16b, %[w2_].16b\n smlal2 %[t3].8h, %[x_].16b, %[w3_].16b\n"
#define EK_NEON_SADDLP                                                                             \
    "saddlp %[s0_].4s, %[t0].8h\n saddlp %[s1_].4s, %[t1].8h\n"                                    \
    "saddlp %[s2_].4s, %[t2].8h\n saddlp %[s3_].4s, %[t3].8h"
#define EK_NEON_SADALP                                                                             \
    "sadalp %[s0_].4s, %[t0].8h\n sadalp %[s1_].4s, %[t1].8h\n"                                    \
    "sadalp %[s2_].4s, %[t2].8h\n sadalp %[s3_].4s, %[t3].8h"
#define EK_NEON_DOT(text, sum, s, x, w)                                                            \
    do {                                                                                           \
        int16x8_t t0_, t1_, t2_, t3_;                                                              \
        __asm__(text                                                                               \
                : [s0_] sum(s##0), [s1_] sum(s##1), [s2_] sum(s##2), [s3_] sum(s##3),              \
                  [t0] "=&w"(t0_), [t1] "=&w"(t1_), [t2] "=&w"(t2_), [t3] "=&w"(t3_)               \
                : [x_] "w"(x), [w0_] "w"(w##0), [w1_] "w"(w##1), [w2_] "w"(w##2),                  \
                  [w3_] "w"(w##3));                                                                \
    } while (0)
#define EK_NEON_SET8(s, x, w) EK_NEON_DOT(EK_NEON_SMULL EK_NEON_SADDLP, "=w", s, x, w)
#define EK_NEON_ADD8(s, x, w) EK_NEON_DOT(EK_NEON_SMULL EK_NEON_SADALP, "+w", s, x, w)
#define EK_NEON_SET16(s, x, w)                                                                     \
    EK_NEON_DOT(EK_NEON_SMULL EK_NEON_SMLAL2 EK_NEON_SADDLP, "=w", s, x, w)
#define EK_NEON_ADD16(s, x, w)                                                                     \
    EK_NEON_DOT(EK_NEON_SMULL EK_NEON_SMLAL2 EK_NEON_SADALP, "+w", s, x, w)

/* Sums and weights have registers of their own, or GCC moves them when a loop begins and ends. */
#define EK_NEON_FOUR_OF(type, s, r0, r1, r2, r3)                                                   \
    register type s##0 __asm__("v" #r0), s##1 __asm__("v" #r1), s##2 __asm__("v" #r2),             \
        s##3 __asm__("v" #r3)

/* 32 taps by the weights u and v. The load is part of it, since compilers do not make one instruction
 * of two loads and an addition. */
#define EK_NEON_STEP(x, w, sums)                                                                   \
    "smull %[t0].8h, %[" x "].8b, %[" w "0_].8b\n smull %[t1].8h, %[" x "].8b, %[" w "1_].8b\n"      \
    "smull %[t2].8h, %[" x "].8b, %[" w "2_].8b\n smull %[t3].8h, %[" x "].8b, %[" w "3_].8b\n"      \
    "smlal2 %[t0].8h, %[" x "].16b, %[" w "0_].16b\n smlal2 %[t1].8h, %[" x "].16b, %[" w          \
    "1_].16b\n smlal2 %[t2].8h, %[" x "].16b, %[" w "2_].16b\n smlal2 %[t3].8h, %[" x             \
    "].16b, %[" w "3_].16b\n" sums "\n"
#define EK_NEON_DOT32(sums, sum, s, x)                                                             \
    do {                                                                                           \
        int16x8_t t0_, t1_, t2_, t3_;                                                              \
        int8x16_t p_, q_;                                                                          \
        __asm__("ldp %q[p], %q[q], [%[x_]], #32\n" EK_NEON_STEP("p", "u", sums)                    \
                    EK_NEON_STEP("q", "v", EK_NEON_SADALP)                                         \
                : [s0_] sum(s##0), [s1_] sum(s##1), [s2_] sum(s##2), [s3_] sum(s##3),              \
                  [t0] "=&w"(t0_), [t1] "=&w"(t1_), [t2] "=&w"(t2_), [t3] "=&w"(t3_),              \
                  [p] "=&w"(p_), [q] "=&w"(q_), [x_] "+r"(x)                                       \
                : [u0_] "w"(u0), [u1_] "w"(u1), [u2_] "w"(u2), [u3_] "w"(u3), [v0_] "w"(v0),       \
                  [v1_] "w"(v1), [v2_] "w"(v2), [v3_] "w"(v3), "m"(*(const int8_t(*)[32])(x)));    \
    } while (0)
#define EK_NEON_LOAD32(w)                                                                          \
    __asm__("ldp %q[u2_], %q[u3_], [%[w_], #32]\n ldp %q[v0_], %q[v1_], [%[w_], #64]\n"            \
            "ldp %q[v2_], %q[v3_], [%[w_], #96]\n ldp %q[u0_], %q[u1_], [%[w_]], #128"             \
            : [u0_] "=&w"(u0), [u1_] "=&w"(u1), [u2_] "=&w"(u2), [u3_] "=&w"(u3),                  \
              [v0_] "=&w"(v0), [v1_] "=&w"(v1), [v2_] "=&w"(v2), [v3_] "=&w"(v3), [w_] "+r"(w)     \
            : "m"(*(const int8_t(*)[128])(w)))
#define EK_NEON_SET32(s, x) EK_NEON_DOT32(EK_NEON_SADDLP, "=&w", s, x)
#define EK_NEON_ADD32(s, x) EK_NEON_DOT32(EK_NEON_SADALP, "+w", s, x)

#endif

/* The weights of four channels, named w0 to w3. */
#define EK_NEON_WEIGHTS16(w, from)                                                                 \
    int8x16_t w##0 = vld1q_s8(from), w##1 = vld1q_s8((from) + 16), w##2 = vld1q_s8((from) + 32),   \
              w##3 = vld1q_s8((from) + 48)
#define EK_NEON_RELOAD16(w, from)                                                                  \
    w##0 = vld1q_s8(from);                                                                         \
    w##1 = vld1q_s8((from) + 16);                                                                  \
    w##2 = vld1q_s8((from) + 32);                                                                  \
    w##3 = vld1q_s8((from) + 48)
#define EK_NEON_WEIGHTS8(w, from)                                                                  \
    int8x8_t w##0 = vld1_s8(from), w##1 = vld1_s8((from) + 8), w##2 = vld1_s8((from) + 16),        \
             w##3 = vld1_s8((from) + 24)

/* The sums of each of four vectors, as one. */
static inline int32x4_t ek_neon_totals(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d)
{
    return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
}

#define EK_NEON_SCALED(rescale, s)                                                                 \
    rescale(vaddq_s32(ek_neon_totals(s##0, s##1, s##2, s##3), bias), multiplier, shift)
#define EK_NEON_TILE_OUT(narrow, rescale, range)                                                   \
    v = narrow(EK_NEON_SCALED(rescale, a), EK_NEON_SCALED(rescale, b), EK_NEON_SCALED(rescale, c), \
               EK_NEON_SCALED(rescale, d), range)
#define EK_NEON_PIXEL_OUT(narrow, rescale, range)                                                  \
    do {                                                                                           \
        int32x4_t sum_ = EK_NEON_SCALED(rescale, a);                                               \
        v = narrow##8(sum_, sum_, range);                                                          \
    } while (0)

#define EK_NEON_PIXEL(do_, type, load, s, from)                                                    \
    do {                                                                                           \
        type p_ = load(from);                                                                      \
        do_(s, p_, u);                                                                             \
    } while (0)
#define EK_NEON_PIXEL16(s, from) EK_NEON_PIXEL(EK_NEON_ADD16, int8x16_t, vld1q_s8, s, from)
#define EK_NEON_PIXEL8(s, from) EK_NEON_PIXEL(EK_NEON_ADD8, int8x8_t, vld1_s8, s, from)
#define EK_NEON_FIRST16(s, from) EK_NEON_PIXEL(EK_NEON_SET16, int8x16_t, vld1q_s8, s, from)
#define EK_NEON_FIRST8(s, from) EK_NEON_PIXEL(EK_NEON_SET8, int8x8_t, vld1_s8, s, from)

/* All k taps of the pixels, of weights w. each(do, at): `do` for every pixel `at` taps on; next(do):
 * 32 taps of every pixel, which moves on by them. */
#define EK_NEON_TAPS(each, next)                                                                   \
    do {                                                                                           \
        int32_t left = k - 8, end = k;                                                             \
        if (k >= 32) {                                                                             \
            EK_NEON_FOUR_OF(int8x16_t, u, 0, 1, 2, 3);                                             \
            EK_NEON_FOUR_OF(int8x16_t, v, 4, 5, 6, 7);                                             \
            EK_NEON_LOAD32(w);                                                                     \
            next(EK_NEON_SET32);                                                                   \
            for (left = k - 32; left >= 64; left -= 64) {                                          \
                EK_NEON_LOAD32(w);                                                                 \
                next(EK_NEON_ADD32);                                                               \
                EK_NEON_LOAD32(w);                                                                 \
                next(EK_NEON_ADD32);                                                               \
            }                                                                                      \
            if (left >= 32) {                                                                      \
                EK_NEON_LOAD32(w);                                                                 \
                next(EK_NEON_ADD32);                                                               \
                left -= 32;                                                                        \
            }                                                                                      \
            end = left;                                                                            \
            if (left >= 16) {                                                                      \
                EK_NEON_RELOAD16(u, w);                                                            \
                each(EK_NEON_PIXEL16, 0);                                                          \
                w += 64;                                                                           \
                left -= 16;                                                                        \
            }                                                                                      \
        } else if (k >= 16) {                                                                      \
            EK_NEON_WEIGHTS16(u, w);                                                               \
            each(EK_NEON_FIRST16, 0);                                                              \
            w += 64;                                                                               \
            left = k - 16;                                                                         \
        } else {                                                                                   \
            EK_NEON_WEIGHTS8(u, w);                                                                \
            each(EK_NEON_FIRST8, 0);                                                               \
            w += 32;                                                                               \
        }                                                                                          \
        if (left > 8) {                                                                            \
            EK_NEON_WEIGHTS16(u, w);                                                               \
            each(EK_NEON_PIXEL16, end - 16);                                                       \
        } else if (left > 0) {                                                                     \
            EK_NEON_WEIGHTS8(u, w);                                                                \
            each(EK_NEON_PIXEL8, end - 8);                                                         \
        }                                                                                          \
    } while (0)

#define EK_NEON_FOUR(do_, at)                                                                      \
    do_(a, xa + (at));                                                                             \
    do_(b, xb + (at));                                                                             \
    do_(c, xc + (at));                                                                             \
    do_(d, xd + (at))
#define EK_NEON_FOUR_NEXT(do_)                                                                     \
    do_(a, xa);                                                                                    \
    do_(b, xb);                                                                                    \
    do_(c, xc);                                                                                    \
    do_(d, xd)
#define EK_NEON_ONE(do_, at) do_(a, x + (at))
#define EK_NEON_ONE_NEXT(do_) do_(a, x)

/* Pixels at xa, xa + step, xa + 2 step, xa + 3 step, as bytes [4 pixels][4 channels]. */
static inline int8x16_t ek_neon_tile(const ek_neon_matrix *m, const int8_t *xa, int32_t step,
                                     const int8_t *w, const int32_t *scales)
{
    int32_t k = m->k;
    const int8_t *xb = xa + step, *xc = xb + step, *xd = xc + step;
    EK_NEON_FOUR_OF(int32x4_t, a, 16, 17, 18, 19);
    EK_NEON_FOUR_OF(int32x4_t, b, 20, 21, 22, 23);
    EK_NEON_FOUR_OF(int32x4_t, c, 24, 25, 26, 27);
    EK_NEON_FOUR_OF(int32x4_t, d, 28, 29, 30, 31);
    EK_NEON_TAPS(EK_NEON_FOUR, EK_NEON_FOUR_NEXT);
    int32x4_t bias = vld1q_s32(scales), multiplier = vld1q_s32(scales + 4),
              shift = vld1q_s32(scales + 8);
    int8x16_t v;
    EK_NEON_RESCALED(m->rescaling, m->range, EK_NEON_TILE_OUT);
    return v;
}

/* Four channels of one pixel, twice. */
static inline int8x8_t ek_neon_pixel(const ek_neon_matrix *m, const int8_t *x, const int8_t *w,
                                     const int32_t *scales)
{
    int32_t k = m->k;
    EK_NEON_FOUR_OF(int32x4_t, a, 16, 17, 18, 19);
    EK_NEON_TAPS(EK_NEON_ONE, EK_NEON_ONE_NEXT);
    int32x4_t bias = vld1q_s32(scales), multiplier = vld1q_s32(scales + 4),
              shift = vld1q_s32(scales + 8);
    int8x8_t v;
    EK_NEON_RESCALED(m->rescaling, m->range, EK_NEON_PIXEL_OUT);
    return v;
}

/* All channels of four pixels, whose outputs follow one another. The last four channels are made
 * together, some of them again. */
static void ek_neon_four(const ek_neon_matrix *m, const int8_t *x, int32_t step, int8_t *out)
{
    const int8_t *w = m->weights;
    const int32_t *scales = m->scales;
    int32_t k = m->k, groups = m->channels / 4, rest = m->channels % 4;
    int8_t *b = out + m->channels, *c = b + m->channels, *d = c + m->channels;
    for (;;) {
        for (; groups > 0; groups--) {
            int8x16_t v = ek_neon_tile(m, x, step, w, scales);
            w += EK_NEON_GROUP(k);
            scales += EK_NEON_SCALES;
            EK_NEON_STORE4(out, v, 0);
            EK_NEON_STORE4(b, v, 1);
            EK_NEON_STORE4(c, v, 2);
            EK_NEON_STORE4(d, v, 3);
            out += 4;
            b += 4;
            c += 4;
            d += 4;
        }
        if (rest == 0) {
            return;
        }
        out -= 4 - rest;
        b -= 4 - rest;
        c -= 4 - rest;
        d -= 4 - rest;
        groups = 1;
        rest = 0;
    }
}

/* All channels of one pixel. */
static void ek_neon_one(const ek_neon_matrix *m, const int8_t *x, int8_t *out)
{
    const int8_t *w = m->weights;
    const int32_t *scales = m->scales;
    int32_t k = m->k;
    for (int32_t left = m->channels; left > 0; left -= 4) {
        int8x8_t v = ek_neon_pixel(m, x, w, scales);
        w += EK_NEON_GROUP(k);
        scales += EK_NEON_SCALES;
        out -= left < 4 ? 4 - left : 0;
        EK_NEON_STORE_FIRST4(out, v);
        out += 4;
    }
}

#endif
