/* ek_dsp.h -- the instructions of the DSP extension of Cortex-M4, M7 and M33 that kernels use.
 * Elsewhere they are C functions of the same results, so that this code runs on any machine. */
#ifndef EK_DSP_H
#define EK_DSP_H

#include <stdint.h>

/* ek_even, ek_odd: bytes 0 and 2, or 1 and 3, as two 16-bit values; ek_add_even, ek_add_odd: added
 * to two others. ek_lower, ek_upper: the lower, or the upper, 16-bit values of two words as one.
 * ek_twice16: both 16-bit values doubled. ek_max4, ek_min4: the larger, or the smaller, of each byte.
 * ek_smlad: sum plus the products of both 16-bit values; sums wrap around. ek_smlabb and the like:
 * sum plus one product, of the bottom (b) or top (t) value of each word.
 * ek_multiply_high_add: sum plus the high word of the rounded product. ek_shift22_saturate8: the bits
 * from the 22nd on, as an int8. */
#if defined(__ARM_FEATURE_DSP)

#define EK_DSP_1(name, type, text)                                                                 \
    static inline type name(type x)                                                                \
    {                                                                                              \
        type to;                                                                                   \
        __asm__(text : "=r"(to) : "r"(x));                                                         \
        return to;                                                                                 \
    }

#define EK_DSP_2(name, text)                                                                       \
    static inline uint32_t name(uint32_t a, uint32_t b)                                            \
    {                                                                                              \
        uint32_t to;                                                                               \
        __asm__(text : "=&r"(to) : "r"(a), "r"(b));                                                \
        return to;                                                                                 \
    }

#define EK_DSP_3(name, type, text)                                                                 \
    static inline int32_t name(type a, type b, int32_t sum)                                        \
    {                                                                                              \
        int32_t to;                                                                                \
        __asm__(text " %0, %1, %2, %3" : "=r"(to) : "r"(a), "r"(b), "r"(sum));                     \
        return to;                                                                                 \
    }

EK_DSP_1(ek_even, uint32_t, "sxtb16 %0, %1")
EK_DSP_1(ek_odd, uint32_t, "sxtb16 %0, %1, ror #8")
EK_DSP_1(ek_twice16, uint32_t, "sadd16 %0, %1, %1")
EK_DSP_1(ek_saturate8, int32_t, "ssat %0, #8, %1")
EK_DSP_1(ek_shift22_saturate8, int32_t, "ssat %0, #8, %1, asr #22")
EK_DSP_2(ek_add_even, "sxtab16 %0, %1, %2")
EK_DSP_2(ek_add_odd, "sxtab16 %0, %1, %2, ror #8")
EK_DSP_2(ek_lower, "pkhbt %0, %1, %2, lsl #16")
EK_DSP_2(ek_upper, "pkhtb %0, %2, %1, asr #16")
EK_DSP_2(ek_max4, "ssub8 %0, %1, %2\n sel %0, %1, %2")
EK_DSP_2(ek_min4, "ssub8 %0, %2, %1\n sel %0, %1, %2")
EK_DSP_3(ek_smlad, uint32_t, "smlad")
EK_DSP_3(ek_smlabb, uint32_t, "smlabb")
EK_DSP_3(ek_smlabt, uint32_t, "smlabt")
EK_DSP_3(ek_smlatb, uint32_t, "smlatb")
EK_DSP_3(ek_smlatt, uint32_t, "smlatt")
EK_DSP_3(ek_multiply_high_add, int32_t, "smmlar")

#else

#define EK_DSP_B(x) ((int32_t)(int16_t)(uint16_t)((x) & 0xFFFFu))
#define EK_DSP_T(x) EK_DSP_B((x) >> 16)
#define EK_DSP_PRODUCT(name, product)                                                              \
    static inline int32_t name(uint32_t a, uint32_t b, int32_t sum)                                \
    {                                                                                              \
        return (int32_t)((uint32_t)sum + (uint32_t)(product));                                     \
    }

EK_DSP_PRODUCT(ek_smlad, EK_DSP_B(a) * EK_DSP_B(b) + EK_DSP_T(a) * EK_DSP_T(b))
EK_DSP_PRODUCT(ek_smlabb, EK_DSP_B(a) * EK_DSP_B(b))
EK_DSP_PRODUCT(ek_smlabt, EK_DSP_B(a) * EK_DSP_T(b))
EK_DSP_PRODUCT(ek_smlatb, EK_DSP_T(a) * EK_DSP_B(b))
EK_DSP_PRODUCT(ek_smlatt, EK_DSP_T(a) * EK_DSP_T(b))

static inline int32_t ek_multiply_high_add(int32_t a, int32_t b, int32_t sum)
{
    return sum + (int32_t)(((int64_t)a * b + INT64_C(0x80000000)) >> 32);
}

static inline int32_t ek_saturate8(int32_t x)
{
    return x < -128 ? -128 : x > 127 ? 127 : x;
}

static inline int32_t ek_shift22_saturate8(int32_t x)
{
    return ek_saturate8(x >> 22);
}

static inline uint32_t ek_lower(uint32_t a, uint32_t b)
{
    return (a & 0xFFFFu) | b << 16;
}

static inline uint32_t ek_upper(uint32_t a, uint32_t b)
{
    return a >> 16 | (b & 0xFFFF0000u);
}

static inline uint32_t ek_even(uint32_t x)
{
    return ek_lower((uint32_t)(int32_t)(int8_t)(uint8_t)(x & 0xFFu),
                    (uint32_t)(int32_t)(int8_t)(uint8_t)(x >> 16 & 0xFFu));
}

static inline uint32_t ek_odd(uint32_t x)
{
    return ek_even(x >> 8);
}

static inline uint32_t ek_twice16(uint32_t x)
{
    return (x & 0x7FFF7FFFu) << 1;
}

static inline uint32_t ek_add_even(uint32_t sums, uint32_t x)
{
    x = ek_even(x);
    return ek_lower(sums + x, (sums >> 16) + (x >> 16));
}

static inline uint32_t ek_add_odd(uint32_t sums, uint32_t x)
{
    return ek_add_even(sums, x >> 8);
}

static inline uint32_t ek_max4(uint32_t a, uint32_t b)
{
    uint32_t to = 0;
    for (int32_t i = 0; i < 32; i += 8) {
        int8_t x = (int8_t)(uint8_t)(a >> i & 0xFFu), y = (int8_t)(uint8_t)(b >> i & 0xFFu);
        to |= (uint32_t)(uint8_t)(x > y ? x : y) << i;
    }
    return to;
}

/* Of bytes, not x is -1 - x, which turns their order around. */
static inline uint32_t ek_min4(uint32_t a, uint32_t b)
{
    return ~ek_max4(~a, ~b);
}

#endif

/* Four int8 values as a word; they need not be aligned. */
static inline uint32_t ek_load4(const int8_t *x)
{
    uint32_t word;
    __builtin_memcpy(&word, x, 4);
    return word;
}

/* Copying and filling, a word at a time; both return the byte after the last one written. */
static inline int8_t *ek_dsp_copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    for (; bytes >= 4; bytes -= 4) {
        uint32_t word = ek_load4(from);
        __builtin_memcpy(to, &word, 4);
        to += 4;
        from += 4;
    }
    for (; bytes > 0; bytes--) {
        *to++ = *from++;
    }
    return to;
}

static inline int8_t *ek_dsp_fill(int8_t *to, int32_t bytes, int8_t value)
{
    uint32_t word = (uint32_t)(uint8_t)value * 0x01010101u;
    for (; bytes >= 4; bytes -= 4) {
        __builtin_memcpy(to, &word, 4);
        to += 4;
    }
    for (; bytes > 0; bytes--) {
        *to++ = value;
    }
    return to;
}

/* Outputs within the tighter of these bounds and int8's own, which the instructions keep. */
static inline void ek_dsp_clamp(int8_t *out, int32_t n, int32_t low, int32_t high)
{
    uint32_t lows = (uint32_t)(uint8_t)low * 0x01010101u;
    uint32_t highs = (uint32_t)(uint8_t)high * 0x01010101u;
    if (low == -128 && high == 127) {
        return;
    }
    for (; n >= 4; n -= 4) {
        uint32_t x = ek_min4(ek_max4(ek_load4(out), lows), highs);
        __builtin_memcpy(out, &x, 4);
        out += 4;
    }
    for (; n > 0; n--, out++) {
        *out = (int8_t)(*out < low ? low : *out > high ? high : *out);
    }
}

/* The rescaling of edgekit/isa/dsp.py: twice a sum, then multiplier, rounding, shift. */
static inline int32_t ek_dsp_rescale(int32_t twice, int32_t multiplier, int32_t rounding,
                                     int32_t shift)
{
    int32_t v = ek_multiply_high_add(twice, multiplier, rounding);
    return ek_saturate8(shift == 0 ? v : (v + (twice >> 31)) >> shift);
}

/* Added to a shift where it does not matter how negative ties are rounded, always to a shift of 0:
 * instructions shift by the lowest byte of a register. */
#define EK_DSP_NO_TIES 256

/* The same where the shift says whether ties matter. */
static inline int32_t ek_dsp_rescale_by_ties(int32_t twice, int32_t multiplier, int32_t rounding,
                                             int32_t shift)
{
    int32_t v = ek_multiply_high_add(twice, multiplier, rounding);
    v += shift < EK_DSP_NO_TIES ? twice >> 31 : 0;
    return ek_saturate8(v >> (shift & 0xFF));
}

#endif
