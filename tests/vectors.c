/* vectors.c -- the primitives of ek_fixed.h and of spectra over arrays: n triples (x, multiplier, shift) to n results */
#include "ek_elementwise.h"
#include "ek_neon.h"
#include "ek_wide.h"
#include "ek_spectral.h"

void multiply_high(const int32_t *v, int32_t *out, int32_t n);
void rounding_shift(const int32_t *v, int32_t *out, int32_t n);
void requantize(const int32_t *v, int32_t *out, int32_t n);
void scale_doubled(const int32_t *v, int32_t *out, int32_t n);
void neon_rescale(const int32_t *v, int32_t *out, int32_t n);
void neon_rescale_shifted(const int32_t *v, int32_t *out, int32_t n);
void requantize_wide(const int32_t *v, int32_t *out, int32_t n);
void high_product(const int32_t *v, int32_t *out, int32_t n);

/* Of two numbers of any sign; the shift plays no part. */
void high_product(const int32_t *v, int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        out[i] = ek_high_product(v[3 * i], v[3 * i + 1]);
    }
}

void multiply_high(const int32_t *v, int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        out[i] = ek_multiply_high(v[3 * i], v[3 * i + 1]);
    }
}

void rounding_shift(const int32_t *v, int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        out[i] = ek_rounding_shift(v[3 * i], -v[3 * i + 2]);
    }
}

void requantize(const int32_t *v, int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        out[i] = ek_requantize(v[3 * i], v[3 * i + 1], v[3 * i + 2]);
    }
}

/* The form of ek_requantize for right shifts alone, its operand doubled. */
void scale_doubled(const int32_t *v, int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        out[i] = ek_scale_doubled(v[3 * i] * 2, v[3 * i + 1], -v[3 * i + 2]);
    }
}

/* Beyond shifts of 26 an operand has more than 32 bits. */
void requantize_wide(const int32_t *v, int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t right = -v[3 * i + 2];
        int64_t x = (int64_t)v[3 * i] * (right > 26 ? 4096 : 1);
        out[i] = ek_requantize_wide(x, v[3 * i + 1], right);
    }
}

/* On AArch64 the instructions, elsewhere their twin. */
#define LANES(name)                                                                                \
    void neon_##name(const int32_t *v, int32_t *out, int32_t n)                                    \
    {                                                                                              \
        for (int32_t i = 0; i < n; i++) {                                                          \
            int32x4_t x = vdupq_n_s32(v[3 * i]), m = vdupq_n_s32(v[3 * i + 1]);                    \
            out[i] = vgetq_lane_s32(ek_neon_##name(x, m, vdupq_n_s32(v[3 * i + 2])), 3);           \
        }                                                                                          \
    }

LANES(rescale)
LANES(rescale_shifted)
