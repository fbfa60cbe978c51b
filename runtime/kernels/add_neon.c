/* add_neon.c -- a + b or a - b, int8, with NEON, 16 elements at a time
 *
 * The operand of the larger scale is rescaled by one half, which is a shift. The zero points are
 * taken off in 16 bits, on their way to 2^20 times the operand. */
#include "ek_add_neon.h"
#include "ek_neon.h"

/* What a call needs in every lane. */
typedef struct {
    int8x16_t exact_factor;
    int16x8_t exact_offset;
    int8x16_t factor;
    int16x8_t offset;
    int32x4_t multiplier1;
    int32x4_t shift1;
    int32x4_t sign;
    int32x4_t multiplier;
    int32x4_t shift;
    ek_neon_range range;
} ek_neon_sum;

/* Four elements from 2^-16 times the exact operand and the other one. */
static inline int32x4_t four(const ek_neon_sum *s, int16x4_t exact, int16x4_t other)
{
    int32x4_t x =
        ek_neon_rescale_shifted(vshll_n_s16(other, 16), s->multiplier1, s->shift1);
    int32x4_t sum = vmlaq_s32(vshll_n_s16(exact, 16), x, s->sign);
    return ek_neon_rescale_shifted(sum, s->multiplier, s->shift);
}

static inline __attribute__((always_inline)) int8x16_t sixteen(const ek_neon_sum *s, int8x16_t exact, int8x16_t other)
{
    int16x8_t e = vaddq_s16(vmull_s8(vget_low_s8(exact), vget_low_s8(s->exact_factor)),
                            s->exact_offset);
    int16x8_t f = vaddq_s16(vmull_high_s8(exact, s->exact_factor), s->exact_offset);
    int16x8_t x = vaddq_s16(vmull_s8(vget_low_s8(other), vget_low_s8(s->factor)), s->offset);
    int16x8_t y = vaddq_s16(vmull_high_s8(other, s->factor), s->offset);
    return ek_neon_narrow(four(s, vget_low_s16(e), vget_low_s16(x)),
                          four(s, vget_high_s16(e), vget_high_s16(x)),
                          four(s, vget_low_s16(f), vget_low_s16(y)),
                          four(s, vget_high_s16(f), vget_high_s16(y)), s->range);
}

void ek_add_s8_neon(const ek_add_neon_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    const ek_neon_sum s = {vdupq_n_s8((int8_t)p->exact_factor),
                           vdupq_n_s16((int16_t)p->exact_offset),
                           vdupq_n_s8((int8_t)p->factor),
                           vdupq_n_s16((int16_t)p->offset),
                           vdupq_n_s32(p->multiplier1),
                           vdupq_n_s32(p->shift1),
                           vdupq_n_s32(p->sign),
                           vdupq_n_s32(p->multiplier),
                           vdupq_n_s32(p->shift),
                           ek_neon_output(p->output_zero, p->out_min, p->out_max)};
    const int8_t *exact = p->swapped ? input2 : input1, *other = p->swapped ? input1 : input2;
    for (; n >= 16; n -= 16) {
        vst1q_s8(output, sixteen(&s, vld1q_s8(exact), vld1q_s8(other)));
        exact += 16;
        other += 16;
        output += 16;
    }
    if (n > 0) {
        int8_t ends[2][16] = {{0}};
        ek_neon_copy(ends[0], exact, n);
        ek_neon_copy(ends[1], other, n);
        vst1q_s8(ends[0], sixteen(&s, vld1q_s8(ends[0]), vld1q_s8(ends[1])));
        ek_neon_copy(output, ends[0], n);
    }
}
