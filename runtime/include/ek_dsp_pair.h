/* ek_dsp_pair.h -- all channels of one pixel, two at a time, with DSP; EK_MIXED says whether two
 * channels share 16-bit lanes */
#ifndef EK_DSP_PAIR_H
#define EK_DSP_PAIR_H

#include "ek_dsp.h"

/* x: words of two taps, as far as x_end, an even number of them. w: words of weights, [pairs][words].
 * pairs: as edgekit/isa/dsp.py makes them, as far as pairs_end. */
#if defined(__ARM_FEATURE_DSP)

#if EK_MIXED
#define EK_DSP_HIGH_SUM "sub r1, r1, r0\n asr r1, r1, #7\n"
#define EK_DSP_PAIR(x, w)                                                                          \
    "sxtb16 r12, " w "\n smlad r1, " x ", " w ", r1\n smlad r0, " x ", r12, r0\n"
#else
#define EK_DSP_HIGH_SUM "lsl r1, r1, #1\n"
#define EK_DSP_PAIR(x, w)                                                                          \
    "sxtb16 r12, " w "\n sxtb16 " w ", " w ", ror #8\n"                                            \
    "smlad r1, " x ", " w ", r1\n smlad r0, " x ", r12, r0\n"
#endif

#define EK_DSP_FOUR_WORDS                                                                          \
    "ldm r2!, {r4-r7}\n ldm lr!, {r8-r11}\n" EK_DSP_PAIR("r4", "r8") EK_DSP_PAIR("r5", "r9")       \
    EK_DSP_PAIR("r6", "r10") EK_DSP_PAIR("r7", "r11")

/* As ek_dsp_rescale_by_ties, r12 the result. */
#define EK_DSP_PAIR_OUT(sum, multiplier, rounding, shift)                                          \
    "smmlar r12, " sum ", " multiplier ", " rounding "\n cmp " shift ", #256\n it lo\n"           \
    "addlo r12, r12, " sum ", asr #31\n asr r12, r12, " shift "\n"                                 \
    "ssat r12, #8, r12\n strb r12, [lr], #1\n"

/* On the stack: x 0, x_end 4, nine saved registers, pairs_end 44, out 48. Pairs are at r3. */
static __attribute__((naked, noinline)) void ek_dsp_pixel(
    __attribute__((unused)) const uint32_t *x, __attribute__((unused)) const uint32_t *x_end,
    __attribute__((unused)) const int32_t *w, __attribute__((unused)) const int32_t *pairs,
    __attribute__((unused)) const int32_t *pairs_end, __attribute__((unused)) int8_t *out)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n push {r0, r1}\n"
        "mov lr, r2\n"
        "1: ldrd r0, r1, [r3], #8\n ldrd r2, r12, [sp]\n"
        "sub r12, r12, r2\n tst r12, #8\n beq 2f\n"
        "ldm r2!, {r4, r5}\n ldm lr!, {r8, r9}\n" EK_DSP_PAIR("r4", "r8") EK_DSP_PAIR("r5", "r9")
        "ldr r12, [sp, #4]\n sub r12, r12, r2\n"
        "2: tst r12, #48\n beq 4f\n"
        "3:\n" EK_DSP_FOUR_WORDS
        "ldr r12, [sp, #4]\n sub r12, r12, r2\n tst r12, #48\n bne 3b\n"
        "4: cmp r12, #0\n beq 6f\n"
        "5: .rept 4\n" EK_DSP_FOUR_WORDS ".endr\n"
        "ldr r12, [sp, #4]\n cmp r2, r12\n bne 5b\n"
        "6: ldm r3!, {r4-r9}\n mov r2, lr\n ldr lr, [sp, #48]\n" EK_DSP_HIGH_SUM
        "lsl r0, r0, #1\n"
        EK_DSP_PAIR_OUT("r0", "r4", "r5", "r6")
        EK_DSP_PAIR_OUT("r1", "r7", "r8", "r9")
        "str lr, [sp, #48]\n mov lr, r2\n"
        "ldr r12, [sp, #44]\n cmp r3, r12\n bne 1b\n"
        "add sp, sp, #8\n pop {r4-r11, pc}\n");
}

#else

/* Two taps of two channels: sums of the low channel, and of the other or of both. */
static inline void ek_dsp_two_channels(uint32_t x, uint32_t w, int32_t sums[2])
{
    sums[0] = ek_smlad(x, ek_even(w), sums[0]);
    sums[1] = ek_smlad(x, EK_MIXED ? w : ek_odd(w), sums[1]);
}

/* The mixed sum is known modulo 2^32. */
static inline void ek_dsp_two_outputs(const int32_t *pair, const int32_t sums[2], int8_t *out)
{
    int32_t twice = EK_MIXED ? (int32_t)((uint32_t)sums[1] - (uint32_t)sums[0]) >> 7 : 2 * sums[1];
    out[0] = (int8_t)ek_dsp_rescale_by_ties(2 * sums[0], pair[2], pair[3], pair[4]);
    out[1] = (int8_t)ek_dsp_rescale_by_ties(twice, pair[5], pair[6], pair[7]);
}

static void ek_dsp_pixel(const uint32_t *x, const uint32_t *x_end, const int32_t *w,
                         const int32_t *pairs, const int32_t *pairs_end, int8_t *out)
{
    for (; pairs != pairs_end; pairs += 8) {
        int32_t sums[2] = {pairs[0], pairs[1]};
        for (const uint32_t *at = x; at != x_end; at++) {
            ek_dsp_two_channels(*at, (uint32_t)*w++, sums);
        }
        ek_dsp_two_outputs(pairs, sums, out);
        out += 2;
    }
}

#endif

#endif
