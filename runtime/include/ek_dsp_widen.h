/* ek_dsp_widen.h -- int8 values as words of two 16-bit values, in the order (0, 2), (1, 3); the including
 * file says with EK_TILE for how many pixels at most, four or two */
#ifndef EK_DSP_WIDEN_H
#define EK_DSP_WIDEN_H

#include "ek_dsp.h"

/* Four values of one pixel, whose words are `step` words apart. */
static inline void ek_dsp_widen_one(uint32_t *to, int32_t step, uint32_t word)
{
    to[0] = ek_even(word);
    to[step] = ek_odd(word);
}

/* The whole fours of n values of one pixel. Returns where the next words go. */
static inline uint32_t *ek_dsp_widen(uint32_t *to, int32_t step, const int8_t *x, int32_t n)
{
    for (; n >= 4; n -= 4) {
        ek_dsp_widen_one(to, step, ek_load4(x));
        to += 2 * step;
        x += 4;
    }
    return to;
}

/* The same of four, three or two pixels that lie `pitch` bytes apart, word by word side by side; n is a
 * multiple of four above 0. */
#if defined(__ARM_FEATURE_DSP)

/* Pixels at r0 to r3, words go to r4, the first pixel ends at r5. */
#define EK_DSP_WIDEN(name, body)                                                                   \
    static __attribute__((naked, noinline)) uint32_t *name(                                        \
        __attribute__((unused)) uint32_t *to, __attribute__((unused)) const int8_t *x,             \
        __attribute__((unused)) int32_t pitch, __attribute__((unused)) int32_t n)                  \
    {                                                                                              \
        __asm__ volatile("push {r4-r11, lr}\n"                                                     \
                         "mov r4, r0\n add r5, r1, r3\n mov r0, r1\n add r1, r0, r2\n"             \
                         "add r3, r1, r2, lsl #1\n add r2, r1, r2\n"                               \
                         "1:\n" body "cmp r0, r5\n bne 1b\n mov r0, r4\n pop {r4-r11, pc}\n");     \
    }

EK_DSP_WIDEN(ek_dsp_widen2,
             "ldr r6, [r0], #4\n ldr r7, [r1], #4\n"
             "sxtb16 r8, r6, ror #8\n sxtb16 r9, r7, ror #8\n sxtb16 r6, r6\n sxtb16 r7, r7\n"
             "stm r4!, {r6-r9}\n")
#if EK_TILE == 4
EK_DSP_WIDEN(ek_dsp_widen3,
             "ldr r6, [r0], #4\n ldr r7, [r1], #4\n ldr r8, [r2], #4\n"
             "sxtb16 r9, r6, ror #8\n sxtb16 r10, r7, ror #8\n sxtb16 r11, r8, ror #8\n"
             "sxtb16 r6, r6\n sxtb16 r7, r7\n sxtb16 r8, r8\n"
             "stm r4!, {r6-r11}\n")
EK_DSP_WIDEN(ek_dsp_widen4,
             "ldr r6, [r0], #4\n ldr r7, [r1], #4\n ldr r8, [r2], #4\n ldr r9, [r3], #4\n"
             "sxtb16 r10, r6, ror #8\n sxtb16 r11, r7, ror #8\n"
             "sxtb16 r12, r8, ror #8\n sxtb16 lr, r9, ror #8\n"
             "sxtb16 r6, r6\n sxtb16 r7, r7\n sxtb16 r8, r8\n sxtb16 r9, r9\n"
             "stm r4!, {r6-r12, lr}\n")
#endif

static uint32_t *ek_dsp_widen_tile(uint32_t *to, const int8_t *x, int32_t pitch, int32_t n,
                                   int32_t pixels)
{
#if EK_TILE == 4
    if (pixels == 4) {
        return ek_dsp_widen4(to, x, pitch, n);
    }
    if (pixels == 3) {
        return ek_dsp_widen3(to, x, pitch, n);
    }
#endif
    (void)pixels;
    return ek_dsp_widen2(to, x, pitch, n);
}

#else

static uint32_t *ek_dsp_widen_tile(uint32_t *to, const int8_t *x, int32_t pitch, int32_t n,
                                   int32_t pixels)
{
    for (int32_t i = 0; i < pixels; i++) {
        ek_dsp_widen(to + i, pixels, x + i * pitch, n);
    }
    return to + pixels * n / 2;
}

#endif

#endif
