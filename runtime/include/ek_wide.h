/* ek_wide.h -- int16 activations by int8 weights: rows of int16, sums of 64 bits, their rescaling */
#ifndef EK_WIDE_H
#define EK_WIDE_H

#include "ek_fixed.h"
#include "ek_rows.h"

/* The elements at an address of bytes; tensors of int16 lie at even offsets. */
static inline const int16_t *ek_halves(const int8_t *bytes)
{
    return (const int16_t *)(const void *)bytes;
}

static inline int16_t *ek_row_halves(const ek_rows *rows, int32_t r)
{
    return (int16_t *)(void *)ek_row(rows, r);
}

/* floor((x * multiplier + 2^(right - 1)) / 2^right) for |x| < 2^47 and multipliers of 15 bits */
static inline int32_t ek_requantize_wide(int64_t x, int32_t multiplier, int32_t right)
{
    return (int32_t)((x * multiplier + (INT64_C(1) << (right - 1))) >> right);
}

/* What the kernels with weights make of n neighbouring sums. wide: 1 where a sum may need more than
 * 32 bits and shift is the right shift behind a multiplier of 15 bits. p: the kernel's params. */
#define EK_WIDE_STORE(p, sum, n, channel, out)                                                     \
    ek_wide_store((sum), (n), (p)->multiplier + (channel), (p)->shift + (channel), (p)->wide,      \
                  (p)->out_min, (p)->out_max, (out))

static inline void ek_wide_store(const int64_t *sum, int32_t n, const int32_t *multiplier,
                                 const int8_t *shift, int32_t wide, int32_t low, int32_t high,
                                 int16_t *out)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t v = wide ? ek_requantize_wide(sum[i], multiplier[i], shift[i])
                         : ek_requantize((int32_t)sum[i], multiplier[i], shift[i]);
        out[i] = (int16_t)ek_clamp(v, low, high);
    }
}

/* Products are at most 2^22, so that this many add up inside 32 bits. */
#define EK_WIDE_BLOCK 256

/* A vector of k elements by four rows of weights, `step` apart. */
static inline void ek_wide_dot_1x4(const int16_t *x, const int8_t *w0, int32_t step, int32_t k,
                                   int64_t sum[4])
{
    while (k > 0) {
        const int8_t *w1 = w0 + step, *w2 = w1 + step, *w3 = w2 + step;
        int32_t n = k < EK_WIDE_BLOCK ? k : EK_WIDE_BLOCK, s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (int32_t i = 0; i < n; i++) {
            int32_t a = x[i];
            s0 += a * w0[i];
            s1 += a * w1[i];
            s2 += a * w2[i];
            s3 += a * w3[i];
        }
        sum[0] += s0;
        sum[1] += s1;
        sum[2] += s2;
        sum[3] += s3;
        x += n;
        w0 += n;
        k -= n;
    }
}

/* The same for one row of weights. */
static inline int64_t ek_wide_dot(const int16_t *x, const int8_t *w, int32_t k, int64_t sum)
{
    while (k > 0) {
        int32_t n = k < EK_WIDE_BLOCK ? k : EK_WIDE_BLOCK, s = 0;
        for (int32_t i = 0; i < n; i++) {
            s += x[i] * w[i];
        }
        sum += s;
        x += n;
        w += n;
        k -= n;
    }
    return sum;
}

/* All channels of one pixel from its patch of k elements; bias and weights of those channels. */
#define EK_WIDE_PIXEL(p, x, w, biases, k, out)                                                     \
    do {                                                                                           \
        int32_t c_ = 0;                                                                            \
        for (; c_ + 4 <= (p)->out_c; c_ += 4) {                                                    \
            int64_t sum_[4] = {(biases)[c_], (biases)[c_ + 1], (biases)[c_ + 2],                   \
                               (biases)[c_ + 3]};                                                  \
            ek_wide_dot_1x4((x), (w) + c_ * (k), (k), (k), sum_);                                  \
            EK_WIDE_STORE((p), sum_, 4, c_, (out) + c_);                                           \
        }                                                                                          \
        for (; c_ < (p)->out_c; c_++) {                                                            \
            int64_t sum_ = ek_wide_dot((x), (w) + c_ * (k), (k), (biases)[c_]);                    \
            EK_WIDE_STORE((p), &sum_, 1, c_, (out) + c_);                                          \
        }                                                                                          \
    } while (0)

/* Per channel the sum over rows first..first+n-1 is added; the first row begins the sums anew. */
static inline void ek_wide_sum_rows(const ek_rows *input, int32_t first, int32_t n, int32_t width,
                                    int32_t channels, int32_t *sums)
{
    for (int32_t c = 0; first == 0 && c < channels; c++) {
        sums[c] = 0;
    }
    for (int32_t y = first; y < first + n; y++) {
        const int16_t *x = ek_row_halves(input, y);
        for (int32_t i = 0; i < width; i++) {
            for (int32_t c = 0; c < channels; c++) {
                sums[c] += *x++;
            }
        }
    }
}

/* Every element of an output whose operands repeat along some axes: formula(p, a, b). p: params with
 * the walk `shape`, `stride1`, `stride2`. */
#define EK_WIDE_WALK(p, input1, input2, output, formula)                                           \
    do {                                                                                           \
        const int16_t *x_ = ek_halves(input1), *y_ = ek_halves(input2);                            \
        int16_t *out_ = (int16_t *)(void *)(output);                                               \
        const int32_t *size_ = (p)->shape, *s1_ = (p)->stride1, *s2_ = (p)->stride2;               \
        for (int32_t i_ = 0; i_ < size_[0]; i_++) {                                                \
            for (int32_t j_ = 0; j_ < size_[1]; j_++) {                                            \
                for (int32_t k_ = 0; k_ < size_[2]; k_++) {                                        \
                    const int16_t *a_ = x_ + i_ * s1_[0] + j_ * s1_[1] + k_ * s1_[2];              \
                    const int16_t *b_ = y_ + i_ * s2_[0] + j_ * s2_[1] + k_ * s2_[2];              \
                    for (int32_t c_ = 0; c_ < size_[3]; c_++) {                                    \
                        int32_t v_ = formula(p, a_[c_ * s1_[3]], b_[c_ * s2_[3]]);                 \
                        *out_++ = (int16_t)ek_clamp(v_, (p)->out_min, (p)->out_max);               \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    } while (0)

#endif
