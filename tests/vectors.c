/* vectors.c -- the primitives of ek_fixed.h over arrays: n triples (x, multiplier, shift) to n results */
#include "ek_elementwise.h"

void multiply_high(const int32_t *v, int32_t *out, int32_t n);
void rounding_shift(const int32_t *v, int32_t *out, int32_t n);
void requantize(const int32_t *v, int32_t *out, int32_t n);
void scale_doubled(const int32_t *v, int32_t *out, int32_t n);

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
