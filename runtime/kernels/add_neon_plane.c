/* add_neon_plane.c -- a + b or a - b, int8, as one plane, with NEON: 16 elements at a time; see
 * edgekit/families/plane.py */
#include "ek_add_neon_plane.h"
#include "ek_neon.h"

typedef struct {
    int32x4_t factor1;
    int32x4_t factor2;
    int32x4_t offset;
    int8x16_t low;
    int8x16_t high;
} ek_neon_plane;

/* The plane at eight pairs, without its lower 16 bits. */
static inline int16x8_t eight(const ek_neon_plane *s, int16x8_t a, int16x8_t b)
{
    int32x4_t low = vmulq_s32(vmovl_s16(vget_low_s16(a)), s->factor1);
    int32x4_t high = vmulq_s32(vmovl_high_s16(a), s->factor1);
    low = vmlaq_s32(low, vmovl_s16(vget_low_s16(b)), s->factor2);
    high = vmlaq_s32(high, vmovl_high_s16(b), s->factor2);
    return vaddhn_high_s32(vaddhn_s32(low, s->offset), high, s->offset);
}

static inline int8x16_t sixteen(const ek_neon_plane *s, int8x16_t a, int8x16_t b)
{
    int16x8_t low = eight(s, vmovl_s8(vget_low_s8(a)), vmovl_s8(vget_low_s8(b)));
    int16x8_t high = eight(s, vmovl_high_s8(a), vmovl_high_s8(b));
    int8x16_t out = vqshrn_high_n_s16(vqshrn_n_s16(low, 6), high, 6);
    return vminq_s8(vmaxq_s8(out, s->low), s->high);
}

void ek_add_s8_neon_plane(const ek_add_neon_plane_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    const ek_neon_plane s = {vdupq_n_s32(p->factor1), vdupq_n_s32(p->factor2),
                             vdupq_n_s32(p->offset), vdupq_n_s8((int8_t)p->out_min),
                             vdupq_n_s8((int8_t)p->out_max)};
    int32_t i = 0;
    for (; i + 16 <= n; i += 16) {
        vst1q_s8(output + i, sixteen(&s, vld1q_s8(input1 + i), vld1q_s8(input2 + i)));
    }
    if (i < n) {
        int8_t ends[2][16] = {{0}};
        ek_neon_copy(ends[0], input1 + i, n - i);
        ek_neon_copy(ends[1], input2 + i, n - i);
        vst1q_s8(ends[0], sixteen(&s, vld1q_s8(ends[0]), vld1q_s8(ends[1])));
        ek_neon_copy(output + i, ends[0], n - i);
    }
}
