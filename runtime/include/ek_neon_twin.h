/* ek_neon_twin.h -- the functions of <arm_neon.h> that kernels use, for machines without it
 *
 * Vectors are those of GCC and Clang on a little-endian machine. */
#ifndef EK_NEON_TWIN_H
#define EK_NEON_TWIN_H

#include <stdint.h>

#define EK_VECTOR(bytes) __attribute__((vector_size(bytes)))
typedef int8_t int8x8_t EK_VECTOR(8);
typedef int8_t int8x16_t EK_VECTOR(16);
typedef uint8_t uint8x8_t EK_VECTOR(8);
typedef uint8_t uint8x16_t EK_VECTOR(16);
typedef int16_t int16x4_t EK_VECTOR(8);
typedef int16_t int16x8_t EK_VECTOR(16);
typedef int32_t int32x2_t EK_VECTOR(8);
typedef int32_t int32x4_t EK_VECTOR(16);

/* A function of a and b of one type, written for one lane. */
#define EK_LANES_1(name, to, from, count, expression)                                              \
    static inline to name(from a)                                                                  \
    {                                                                                              \
        to v = {0};                                                                                 \
        for (int i = 0; i < (count); i++) {                                                        \
            v[i] = expression;                                                                     \
        }                                                                                          \
        return v;                                                                                  \
    }

#define EK_LANES_2(name, to, type_a, type_b, count, expression)                                    \
    static inline to name(type_a a, type_b b)                                                      \
    {                                                                                              \
        to v = {0};                                                                                 \
        for (int i = 0; i < (count); i++) {                                                        \
            v[i] = expression;                                                                     \
        }                                                                                          \
        return v;                                                                                  \
    }

#define EK_MEMORY(load, store, type, lane)                                                         \
    static inline type load(const lane *from)                                                      \
    {                                                                                              \
        type v;                                                                                    \
        __builtin_memcpy(&v, from, sizeof v);                                                      \
        return v;                                                                                  \
    }                                                                                              \
    static inline void store(lane *to, type v)                                                     \
    {                                                                                              \
        __builtin_memcpy(to, &v, sizeof v);                                                        \
    }

EK_MEMORY(vld1_s8, vst1_s8, int8x8_t, int8_t)
EK_MEMORY(vld1q_s8, vst1q_s8, int8x16_t, int8_t)
EK_MEMORY(vld1q_s16, vst1q_s16, int16x8_t, int16_t)
EK_MEMORY(vld1q_s32, vst1q_s32, int32x4_t, int32_t)

/* Three vectors, a lane of each in turn. */
typedef struct {
    int8x16_t val[3];
} int8x16x3_t;

static inline void vst3q_s8(int8_t *to, int8x16x3_t v)
{
    for (int i = 0; i < 48; i++) {
        to[i] = v.val[i % 3][i / 3];
    }
}

static inline int32_t ek_twin_saturate(int64_t x, int32_t bits)
{
    int64_t most = (INT64_C(1) << (bits - 1)) - 1;
    return (int32_t)(x > most ? most : x < -most - 1 ? -most - 1 : x);
}

static inline uint8_t ek_twin_unsigned8(int32_t x)
{
    return (uint8_t)(x > 255 ? 255 : x < 0 ? 0 : x);
}

static inline int32_t ek_twin_wrap(int64_t x)
{
    return (int32_t)(uint32_t)(uint64_t)x;
}

/* Rounded to nearest, halves up; n <= 0. */
static inline int32_t ek_twin_shift(int32_t x, int32_t n)
{
    return n == 0 ? x : (int32_t)(((int64_t)x + (INT64_C(1) << (-n - 1))) >> -n);
}

/* The same value in every lane; halves; other views. */
EK_LANES_1(vdup_n_s8, int8x8_t, int8_t, 8, a)
EK_LANES_1(vdupq_n_s8, int8x16_t, int8_t, 16, a)
EK_LANES_1(vdupq_n_u8, uint8x16_t, uint8_t, 16, a)
EK_LANES_1(vdupq_n_s16, int16x8_t, int16_t, 8, a)
EK_LANES_1(vdupq_n_s32, int32x4_t, int32_t, 4, a)
EK_LANES_1(vget_low_s8, int8x8_t, int8x16_t, 8, a[i])
EK_LANES_1(vget_high_s8, int8x8_t, int8x16_t, 8, a[8 + i])
EK_LANES_1(vget_low_u8, uint8x8_t, uint8x16_t, 8, a[i])
EK_LANES_1(vget_low_s16, int16x4_t, int16x8_t, 4, a[i])
EK_LANES_1(vget_high_s16, int16x4_t, int16x8_t, 4, a[4 + i])
EK_LANES_2(vcombine_s8, int8x16_t, int8x8_t, int8x8_t, 16, i < 8 ? a[i] : b[i - 8])
EK_LANES_2(vuzp1q_s16, int16x8_t, int16x8_t, int16x8_t, 8, i < 4 ? a[2 * i] : b[2 * i - 8])
EK_LANES_2(vzip1q_s8, int8x16_t, int8x16_t, int8x16_t, 16, i % 2 ? b[i / 2] : a[i / 2])
EK_LANES_2(vzip1q_s16, int16x8_t, int16x8_t, int16x8_t, 8, i % 2 ? b[i / 2] : a[i / 2])
EK_LANES_2(vzip2q_s16, int16x8_t, int16x8_t, int16x8_t, 8, i % 2 ? b[4 + i / 2] : a[4 + i / 2])
#define vreinterpretq_s32_s8(v) ((int32x4_t)(v))
#define vreinterpretq_s16_s8(v) ((int16x8_t)(v))
#define vreinterpretq_s8_s16(v) ((int8x16_t)(v))
#define vreinterpretq_s8_s32(v) ((int8x16_t)(v))
#define vreinterpret_s32_s8(v) ((int32x2_t)(v))
#define vreinterpretq_s16_s32(v) ((int16x8_t)(v))
#define vreinterpret_s8_u8(v) ((int8x8_t)(v))
#define vreinterpretq_s8_u8(v) ((int8x16_t)(v))
#define vgetq_lane_s32(v, lane) ((v)[lane])
#define vget_lane_s32(v, lane) ((v)[lane])

/* Sums and products; what is 32 bits wide wraps around. */
EK_LANES_2(vaddq_s32, int32x4_t, int32x4_t, int32x4_t, 4, ek_twin_wrap((int64_t)a[i] + b[i]))
EK_LANES_2(vqaddq_s16, int16x8_t, int16x8_t, int16x8_t, 8,
           (int16_t)ek_twin_saturate(a[i] + b[i], 16))
EK_LANES_2(vpaddq_s32, int32x4_t, int32x4_t, int32x4_t, 4,
           ek_twin_wrap(i < 2 ? (int64_t)a[2 * i] + a[2 * i + 1]
                              : (int64_t)b[2 * i - 4] + b[2 * i - 3]))
EK_LANES_2(vpadalq_s16, int32x4_t, int32x4_t, int16x8_t, 4,
           ek_twin_wrap((int64_t)a[i] + b[2 * i] + b[2 * i + 1]))
EK_LANES_2(vaddw_s16, int32x4_t, int32x4_t, int16x4_t, 4, ek_twin_wrap((int64_t)a[i] + b[i]))
EK_LANES_2(vmull_s8, int16x8_t, int8x8_t, int8x8_t, 8, (int16_t)(a[i] * b[i]))
EK_LANES_2(vaddq_s16, int16x8_t, int16x8_t, int16x8_t, 8, (int16_t)(a[i] + b[i]))
EK_LANES_2(vaddw_s8, int16x8_t, int16x8_t, int8x8_t, 8, (int16_t)(a[i] + b[i]))
EK_LANES_2(vqrdmulhq_s32, int32x4_t, int32x4_t, int32x4_t, 4,
           ek_twin_saturate(((int64_t)a[i] * b[i] + (INT64_C(1) << 30)) >> 31, 32))
EK_LANES_1(vmovl_s8, int16x8_t, int8x8_t, 8, a[i])
EK_LANES_1(vmovl_s16, int32x4_t, int16x4_t, 4, a[i])
#define vmovl_high_s8(a) vmovl_s8(vget_high_s8(a))
#define vmovl_high_s16(a) vmovl_s16(vget_high_s16(a))
EK_LANES_2(vmulq_s32, int32x4_t, int32x4_t, int32x4_t, 4, ek_twin_wrap((int64_t)a[i] * b[i]))
EK_LANES_2(vandq_s8, int8x16_t, int8x16_t, int8x16_t, 16, a[i] & b[i])
EK_LANES_2(vbicq_s8, int8x16_t, int8x16_t, int8x16_t, 16, (int8_t)(a[i] & ~b[i]))
EK_LANES_2(vandq_s32, int32x4_t, int32x4_t, int32x4_t, 4, a[i] & b[i])
EK_LANES_2(vrshlq_s32, int32x4_t, int32x4_t, int32x4_t, 4, ek_twin_shift(a[i], b[i]))
EK_LANES_2(vmin_s8, int8x8_t, int8x8_t, int8x8_t, 8, a[i] < b[i] ? a[i] : b[i])
EK_LANES_2(vmax_s8, int8x8_t, int8x8_t, int8x8_t, 8, a[i] > b[i] ? a[i] : b[i])
EK_LANES_2(vminq_s8, int8x16_t, int8x16_t, int8x16_t, 16, a[i] < b[i] ? a[i] : b[i])
EK_LANES_2(vmaxq_s8, int8x16_t, int8x16_t, int8x16_t, 16, a[i] > b[i] ? a[i] : b[i])
EK_LANES_2(vmin_u8, uint8x8_t, uint8x8_t, uint8x8_t, 8, a[i] < b[i] ? a[i] : b[i])
EK_LANES_2(vminq_u8, uint8x16_t, uint8x16_t, uint8x16_t, 16, a[i] < b[i] ? a[i] : b[i])
EK_LANES_2(vadd_u8, uint8x8_t, uint8x8_t, uint8x8_t, 8, (uint8_t)(a[i] + b[i]))
EK_LANES_2(vaddq_u8, uint8x16_t, uint8x16_t, uint8x16_t, 16, (uint8_t)(a[i] + b[i]))
#define vaddw_high_s16(a, b) vaddw_s16(a, vget_high_s16(b))
#define vmull_high_s8(a, b) vmull_s8(vget_high_s8(a), vget_high_s8(b))
#define vmlal_high_s8(sum, a, b) vmlal_s8(sum, vget_high_s8(a), vget_high_s8(b))

static inline int16x8_t vmlal_s8(int16x8_t sum, int8x8_t a, int8x8_t b)
{
    for (int i = 0; i < 8; i++) {
        sum[i] = (int16_t)(sum[i] + a[i] * b[i]);
    }
    return sum;
}

static inline int32x4_t vmlaq_s32(int32x4_t sum, int32x4_t a, int32x4_t b)
{
    for (int i = 0; i < 4; i++) {
        sum[i] = ek_twin_wrap(sum[i] + (int64_t)a[i] * b[i]);
    }
    return sum;
}

EK_LANES_2(ek_twin_shift_left, int32x4_t, int16x4_t, int32_t, 4, a[i] * (1 << b))
#define vshll_n_s16(a, n) ek_twin_shift_left(a, n)

static inline int32x4_t ek_twin_shift_add(int32x4_t a, int32x4_t b, int32_t n)
{
    for (int i = 0; i < 4; i++) {
        a[i] = ek_twin_wrap((int64_t)a[i] + (b[i] >> n));
    }
    return a;
}
#define vsraq_n_s32(a, b, n) ek_twin_shift_add(a, b, n)

/* Four products in each lane; the second factor is four bytes of b. */
static inline int32x4_t ek_twin_dot(int32x4_t sum, int8x16_t a, int8x8_t b, int lane)
{
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            sum[i] = ek_twin_wrap((int64_t)sum[i] + a[4 * i + j] * b[4 * lane + j]);
        }
    }
    return sum;
}
static inline int32x4_t vdotq_s32(int32x4_t sum, int8x16_t a, int8x16_t b)
{
    for (int i = 0; i < 16; i++) {
        sum[i / 4] = ek_twin_wrap((int64_t)sum[i / 4] + a[i] * b[i]);
    }
    return sum;
}

#define vdotq_lane_s32(sum, a, b, lane) ek_twin_dot(sum, a, b, lane)
#define vdotq_laneq_s32(sum, a, b, lane)                                                           \
    ek_twin_dot(sum, a, (lane) < 2 ? vget_low_s8(b) : vget_high_s8(b), (lane) & 1)

/* Narrowing: the upper half of a sum; saturated. */
EK_LANES_2(vaddhn_s32, int16x4_t, int32x4_t, int32x4_t, 4,
           (int16_t)(ek_twin_wrap((int64_t)a[i] + b[i]) >> 16))
static inline int16x8_t vaddhn_high_s32(int16x4_t low, int32x4_t a, int32x4_t b)
{
    int16x4_t high = vaddhn_s32(a, b);
    int16x8_t v = {low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]};
    return v;
}

EK_LANES_2(ek_twin_shift_narrow, int8x8_t, int16x8_t, int32_t, 8,
           (int8_t)ek_twin_saturate(a[i] >> b, 8))
#define vqshrn_n_s16(a, n) ek_twin_shift_narrow(a, n)
#define vqshrn_high_n_s16(low, a, n) vcombine_s8(low, ek_twin_shift_narrow(a, n))
EK_LANES_1(vqmovn_s32, int16x4_t, int32x4_t, 4, (int16_t)ek_twin_saturate(a[i], 16))
EK_LANES_1(vqmovn_s16, int8x8_t, int16x8_t, 8, (int8_t)ek_twin_saturate(a[i], 8))
EK_LANES_1(vqmovun_s16, uint8x8_t, int16x8_t, 8, ek_twin_unsigned8(a[i]))
EK_LANES_2(vqmovun_high_s16, uint8x16_t, uint8x8_t, int16x8_t, 16,
           i < 8 ? a[i] : ek_twin_unsigned8(b[i - 8]))
EK_LANES_2(vqmovn_high_s32, int16x8_t, int16x4_t, int32x4_t, 8,
           i < 4 ? a[i] : (int16_t)ek_twin_saturate(b[i - 4], 16))
EK_LANES_2(vqmovn_high_s16, int8x16_t, int8x8_t, int16x8_t, 16,
           i < 8 ? a[i] : (int8_t)ek_twin_saturate(b[i - 8], 8))

#endif
