/* ek_neon_taps.h -- sums of taps channel by channel, 16 channels or 8
 *
 * Per block of channels: biases, multipliers, shifts. */
#ifndef EK_NEON_TAPS_H
#define EK_NEON_TAPS_H

#include "ek_neon.h"

#define EK_NEON_LOAD16(from) vld1q_s8(from)
#define EK_NEON_LOAD8(from) vld1_s8(from)
#define EK_NEON_STORE16(to, v) vst1q_s8(to, v)
#define EK_NEON_STORE8(to, v) vst1_s8(to, v)

/* The sums s0 to s3 of 16 channels begin with the biases. */
#define EK_NEON_SUMS16(scales)                                                                     \
    int32x4_t s0 = vld1q_s32(scales), s1 = vld1q_s32((scales) + 4),                                \
              s2 = vld1q_s32((scales) + 8), s3 = vld1q_s32((scales) + 12)

/* Two taps, or one, of 16 channels. */
#define EK_NEON_TAPS16(x0_, w0_, x1_, w1_)                                                         \
    do {                                                                                           \
        int8x16_t p_ = x0_, q_ = x1_;                                                              \
        int16x8_t lower_ = vmlal_s8(vmull_s8(vget_low_s8(p_), vget_low_s8(w0_)), vget_low_s8(q_),  \
                                    vget_low_s8(w1_));                                             \
        int16x8_t upper_ = vmlal_high_s8(vmull_high_s8(p_, w0_), q_, w1_);                         \
        EK_NEON_ADD16(lower_, upper_);                                                             \
    } while (0)

#define EK_NEON_TAP16(x_, w_)                                                                      \
    do {                                                                                           \
        int8x16_t p_ = x_;                                                                         \
        int16x8_t lower_ = vmull_s8(vget_low_s8(p_), vget_low_s8(w_));                             \
        int16x8_t upper_ = vmull_high_s8(p_, w_);                                                  \
        EK_NEON_ADD16(lower_, upper_);                                                             \
    } while (0)

#define EK_NEON_ADD16(lower_, upper_)                                                              \
    s0 = vaddw_s16(s0, vget_low_s16(lower_));                                                      \
    s1 = vaddw_high_s16(s1, lower_);                                                               \
    s2 = vaddw_s16(s2, vget_low_s16(upper_));                                                      \
    s3 = vaddw_high_s16(s3, upper_)

#define EK_NEON_OUT16(narrow, rescale, scales, range)                                              \
    narrow(rescale(s0, vld1q_s32((scales) + 16), vld1q_s32((scales) + 32)),                        \
           rescale(s1, vld1q_s32((scales) + 20), vld1q_s32((scales) + 36)),                        \
           rescale(s2, vld1q_s32((scales) + 24), vld1q_s32((scales) + 40)),                        \
           rescale(s3, vld1q_s32((scales) + 28), vld1q_s32((scales) + 44)), range)

#define EK_NEON_STORE_OUT16(narrow, rescale, range)                                                \
    EK_NEON_STORE16(out, EK_NEON_OUT16(narrow, rescale, scales, range))
#define EK_NEON_STORE_OUT8(narrow, rescale, range)                                                 \
    EK_NEON_STORE8(out, EK_NEON_OUT8(narrow, rescale, scales, range))

/* The same for 8 channels. */
#define EK_NEON_SUMS8(scales) int32x4_t s0 = vld1q_s32(scales), s1 = vld1q_s32((scales) + 4)

#define EK_NEON_TAPS8(x0_, w0_, x1_, w1_)                                                          \
    do {                                                                                           \
        int16x8_t sum_ = vmlal_s8(vmull_s8(x0_, w0_), x1_, w1_);                                   \
        EK_NEON_ADD8(sum_);                                                                        \
    } while (0)

#define EK_NEON_TAP8(x_, w_)                                                                       \
    do {                                                                                           \
        int16x8_t sum_ = vmull_s8(x_, w_);                                                         \
        EK_NEON_ADD8(sum_);                                                                        \
    } while (0)

#define EK_NEON_ADD8(sum_)                                                                         \
    s0 = vaddw_s16(s0, vget_low_s16(sum_));                                                        \
    s1 = vaddw_high_s16(s1, sum_)

#define EK_NEON_OUT8(narrow, rescale, scales, range)                                               \
    narrow##8(rescale(s0, vld1q_s32((scales) + 8), vld1q_s32((scales) + 16)),                      \
              rescale(s1, vld1q_s32((scales) + 12), vld1q_s32((scales) + 20)), range)

#endif
