/* ek_neon.h -- what the kernels for AArch64 share: vectors, and the rescaling of sums
 *
 * <arm_neon.h> belongs to the compiler, not to a library. Where it does not exist the functions of
 * it that are used have C twins, so that a model for a Raspberry Pi builds, and is verified, on any
 * machine. */
#ifndef EK_NEON_H
#define EK_NEON_H

#include <stdint.h>

#if defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#else
#include "ek_neon_twin.h"
#endif

/* How sums become outputs. Which of these a layer may have is read off its numbers (edgekit/isa/neon.py).
 * SHIFTED: every shift is negative, the clamp is int8's, and rescaled sums fit 16 bits. RELU: the
 * clamp begins at the zero point, and rescaled sums fit 16 bits. */
#define EK_NEON_ANY 0
#define EK_NEON_SHIFTED 1
#define EK_NEON_RELU 2

/* What an operator does to a rescaled sum; most: above the zero point. */
typedef struct {
    int16x8_t zero;
    int8x16_t low;
    int8x16_t high;
    uint8x16_t most;
    uint8x16_t above;
} ek_neon_range;

static inline ek_neon_range ek_neon_output(int32_t zero, int32_t low, int32_t high)
{
    ek_neon_range r = {vdupq_n_s16((int16_t)zero), vdupq_n_s8((int8_t)low),
                       vdupq_n_s8((int8_t)high), vdupq_n_u8((uint8_t)(high - zero)),
                       vdupq_n_u8((uint8_t)zero)};
    return r;
}

/* ek_requantize of four sums, shift <= 0. v & shift is negative where v is and there is a shift, and
 * v - 1 makes the ties of the rounding shift go away from zero. */
static inline int32x4_t ek_neon_rescale(int32x4_t sum, int32x4_t multiplier, int32x4_t shift)
{
    int32x4_t v = vqrdmulhq_s32(sum, multiplier);
    return vrshlq_s32(vsraq_n_s32(v, vandq_s32(v, shift), 31), shift);
}

/* The same where every shift is negative. */
static inline int32x4_t ek_neon_rescale_shifted(int32x4_t sum, int32x4_t multiplier,
                                                int32x4_t shift)
{
    int32x4_t v = vqrdmulhq_s32(sum, multiplier);
    return vrshlq_s32(vsraq_n_s32(v, v, 31), shift);
}

/* The same where no negative result is seen, so that its ties may go either way. */
static inline int32x4_t ek_neon_rescale_relu(int32x4_t sum, int32x4_t multiplier, int32x4_t shift)
{
    return vrshlq_s32(vqrdmulhq_s32(sum, multiplier), shift);
}

/* Sixteen rescaled sums as outputs, or eight. Neither narrowing to 16 bits nor the addition there can
 * move a value across a bound of int8. */
static inline int8x8_t ek_neon_narrow8(int32x4_t a, int32x4_t b, ek_neon_range r)
{
    int8x8_t v = vqmovn_s16(vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), r.zero));
    return vmin_s8(vmax_s8(v, vget_low_s8(r.low)), vget_low_s8(r.high));
}

static inline int8x16_t ek_neon_narrow(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d,
                                       ek_neon_range r)
{
    int16x8_t ab = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), r.zero);
    int16x8_t cd = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(c), d), r.zero);
    return vminq_s8(vmaxq_s8(vqmovn_high_s16(vqmovn_s16(ab), cd), r.low), r.high);
}

/* The lower halves of values of 16 bits. */
static inline int16x8_t ek_neon_halves(int32x4_t a, int32x4_t b)
{
    return vuzp1q_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b));
}

/* Saturation is the clamp. */
static inline int8x8_t ek_neon_saturate8(int32x4_t a, int32x4_t b, ek_neon_range r)
{
    return vqmovn_s16(vqaddq_s16(ek_neon_halves(a, b), r.zero));
}

static inline int8x16_t ek_neon_saturate(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d,
                                         ek_neon_range r)
{
    int16x8_t cd = vqaddq_s16(ek_neon_halves(c, d), r.zero);
    return vqmovn_high_s16(ek_neon_saturate8(a, b, r), cd);
}

/* Unsigned saturation is the lower clamp. */
static inline int8x8_t ek_neon_relu8(int32x4_t a, int32x4_t b, ek_neon_range r)
{
    uint8x8_t v = vmin_u8(vqmovun_s16(ek_neon_halves(a, b)), vget_low_u8(r.most));
    return vreinterpret_s8_u8(vadd_u8(v, vget_low_u8(r.above)));
}

static inline int8x16_t ek_neon_relu(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d,
                                     ek_neon_range r)
{
    uint8x16_t v =
        vqmovun_high_s16(vqmovun_s16(ek_neon_halves(a, b)), ek_neon_halves(c, d));
    return vreinterpretq_s8_u8(vaddq_u8(vminq_u8(v, r.most), r.above));
}

/* make(narrow, rescale, range) in each way of rescaling. The range is copied first, since a store
 * might change it, for all a compiler knows. */
#define EK_NEON_RESCALED(way, of, make)                                                            \
    do {                                                                                           \
        ek_neon_range range = of;                                                                  \
        if ((way) == EK_NEON_RELU) {                                                               \
            make(ek_neon_relu, ek_neon_rescale_relu, range);                                       \
        } else if ((way) == EK_NEON_SHIFTED) {                                                     \
            make(ek_neon_saturate, ek_neon_rescale_shifted, range);                                \
        } else {                                                                                   \
            make(ek_neon_narrow, ek_neon_rescale, range);                                          \
        }                                                                                          \
    } while (0)

/* Lane `lane` of a vector as four bytes, or the first four of eight; they need not be aligned. */
#define EK_NEON_STORE4(to, v, lane)                                                                \
    do {                                                                                           \
        int32_t word_ = vgetq_lane_s32(vreinterpretq_s32_s8(v), lane);                             \
        __builtin_memcpy(to, &word_, 4);                                                           \
    } while (0)
#define EK_NEON_STORE_FIRST4(to, v)                                                                \
    do {                                                                                           \
        int32_t word_ = vget_lane_s32(vreinterpret_s32_s8(v), 0);                                  \
        __builtin_memcpy(to, &word_, 4);                                                           \
    } while (0)

/* The weights and numbers of all output channels, as edgekit/isa/neon.py packs them: groups of four
 * channels, k taps each, at least 8; per group bias, multiplier and shift. */
typedef struct {
    const int8_t *weights;
    const int32_t *scales;
    int32_t k;
    int32_t channels;
    int32_t rescaling;
    ek_neon_range range;
} ek_neon_matrix;

#define EK_NEON_SCALES 12
/* Bytes of a group's weights. */
#define EK_NEON_GROUP(k) (4 * (((k) + 7) & ~7))

/* Copying and filling; both return the byte after the last one written. Ends overlap. */
static inline int8_t *ek_neon_copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    int8_t *end = to + bytes;
    if (bytes >= 16) {
        for (; bytes > 16; bytes -= 16) {
            vst1q_s8(to, vld1q_s8(from));
            to += 16;
            from += 16;
        }
        vst1q_s8(end - 16, vld1q_s8(from + bytes - 16));
    } else if (bytes >= 8) {
        vst1_s8(to, vld1_s8(from));
        vst1_s8(end - 8, vld1_s8(from + bytes - 8));
    } else if (bytes >= 4) {
        __builtin_memcpy(to, from, 4);
        __builtin_memcpy(end - 4, from + bytes - 4, 4);
    } else {
        while (to < end) {
            *to++ = *from++;
        }
    }
    return end;
}

static inline int8_t *ek_neon_fill(int8_t *to, int32_t bytes, int8_t value)
{
    int8_t *end = to + bytes;
    for (; bytes >= 16; bytes -= 16) {
        vst1q_s8(to, vdupq_n_s8(value));
        to += 16;
    }
    while (to < end) {
        *to++ = value;
    }
    return end;
}

#endif
