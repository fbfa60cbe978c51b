/* ek_dsp_tile.h -- two to four pixels by two channels: the innermost loop of convolutions with DSP.
 *
 * Four are written in instructions, because it fills all fourteen registers: eight sums, two pointers, a word
 * of weights as loaded and as taken apart, a word of two pixels. Twelve instructions make sixteen
 * multiply-accumulates. The including file says with EK_MIXED whether two channels share lanes, and
 * with EK_TILE how many pixels there are at most, four or two. */
#ifndef EK_DSP_TILE_H
#define EK_DSP_TILE_H

#include "ek_dsp_pair.h"

/* Words of weights of a pair of channels, for so many words of two taps. */
#define EK_DSP_PAIR_WORDS(steps) (steps)

/* x: [steps][pixels], each a word of two taps, as far as x_end; x_mid: x and a multiple of eight
 * steps. w: words of weights, [pairs][steps]. pairs: as edgekit/isa/dsp.py makes them, as far as
 * pairs_end. The next pixel's output is `stride` bytes on. */
#define EK_DSP_TILE_ARGUMENTS                                                                      \
    const uint32_t *x, const uint32_t *x_end, const int32_t *w, const int32_t *pairs, int8_t *out, \
        int32_t stride, const int32_t *pairs_end, const uint32_t *x_mid

#if defined(__ARM_FEATURE_DSP)

#include "ek_dsp_tile_few.h"

#if EK_TILE == 4

#if EK_MIXED
#define EK_DSP_APART "sxtb16 r11, r10\n"
#define EK_DSP_SPLIT                                                                               \
    "sub r4, r4, r0\n sub r5, r5, r1\n sub r6, r6, r2\n sub r7, r7, r3\n"
#define EK_DSP_TWICE(r) "asr " r ", " r ", #7\n"
#else
#define EK_DSP_APART "sxtb16 r11, r10\n sxtb16 r10, r10, ror #8\n"
#define EK_DSP_SPLIT
#define EK_DSP_TWICE(r) "lsl " r ", " r ", #1\n"
#endif

/* Sums of the low channel r0-r3, of the other or of both r4-r7; x r8, w r9. */
#define EK_DSP_STEP                                                                                \
    "ldr r10, [r9], #4\n"                                                                          \
    "ldrd r12, lr, [r8], #8\n" EK_DSP_APART                                                        \
    "smlad r4, r12, r10, r4\n smlad r5, lr, r10, r5\n"                                             \
    "smlad r0, r12, r11, r0\n smlad r1, lr, r11, r1\n"                                             \
    "ldrd r12, lr, [r8], #8\n"                                                                     \
    "smlad r6, r12, r10, r6\n smlad r7, lr, r10, r7\n"                                             \
    "smlad r2, r12, r11, r2\n smlad r3, lr, r11, r3\n"

/* Multiplier r9, rounding r10, shift r11, as ek_dsp_rescale_by_ties. */
#define EK_DSP_OUT(sum, to)                                                                        \
    "smmlar r12, " sum ", r9, r10\n add r12, r12, " sum ", asr #31\n asr r12, r12, r11\n"          \
    "ssat r12, #8, r12\n strb r12, " to "\n"
#define EK_DSP_OUT_NO_TIES(sum, to)                                                                \
    "smmlar r12, " sum ", r9, r10\n asr r12, r12, r11\n ssat r12, #8, r12\n strb r12, " to "\n"
#define EK_DSP_LOW_CHANNEL(out)                                                                    \
    out("r0", "[lr]") out("r1", "[lr, r8]") out("r2", "[lr, r8, lsl #1]")                          \
    "add lr, lr, r8\n" out("r3", "[lr, r8, lsl #1]")
#define EK_DSP_HIGH_CHANNEL(out)                                                                   \
    out("r5", "[lr]") out("r6", "[lr, r8]") out("r7", "[lr, r8, lsl #1]")                          \
    "sub lr, lr, r8\n" out("r4", "[lr]")

/* On the stack: x 0, x_end 4, w 8, pairs 12, nine saved registers, out 52, stride 56, pairs_end 60,
 * x_mid 64. */
static __attribute__((naked, noinline)) void ek_dsp_four(
    __attribute__((unused)) const uint32_t *x, __attribute__((unused)) const uint32_t *x_end,
    __attribute__((unused)) const int32_t *w, __attribute__((unused)) const int32_t *pairs,
    __attribute__((unused)) int8_t *out, __attribute__((unused)) int32_t stride,
    __attribute__((unused)) const int32_t *pairs_end,
    __attribute__((unused)) const uint32_t *x_mid)
{
    __asm__ volatile(
        "push {r0-r3, r4-r11, lr}\n"
        "1: ldrd r9, r10, [sp, #8]\n"
        "ldr r8, [sp]\n"
        "ldrd r0, r4, [r10]\n ldrd r1, r5, [r10]\n ldrd r2, r6, [r10]\n ldrd r3, r7, [r10]\n"
        "ldr r10, [sp, #64]\n cmp r8, r10\n beq 3f\n"
        "2: .rept 8\n" EK_DSP_STEP ".endr\n"
        "ldr r10, [sp, #64]\n cmp r8, r10\n bne 2b\n"
        "3: ldr r10, [sp, #4]\n cmp r8, r10\n beq 5f\n"
        "4: .rept 2\n" EK_DSP_STEP ".endr\n"
        "ldr r10, [sp, #4]\n cmp r8, r10\n bne 4b\n"
        "5: ldr r8, [sp, #12]\n str r9, [sp, #8]\n" EK_DSP_SPLIT
        "ldrd r9, r10, [r8, #8]\n ldr r11, [r8, #16]\n"
        "ldr lr, [sp, #52]\n ldr r8, [sp, #56]\n"
        "lsl r0, r0, #1\n lsl r1, r1, #1\n lsl r2, r2, #1\n lsl r3, r3, #1\n"
        "cmp r11, #256\n blo 8f\n"
        EK_DSP_LOW_CHANNEL(EK_DSP_OUT_NO_TIES)
        "6: ldr r0, [sp, #12]\n"
        "ldrd r9, r10, [r0, #20]\n ldr r11, [r0, #28]\n"
        "add r0, r0, #32\n str r0, [sp, #12]\n add lr, lr, #1\n"
        EK_DSP_TWICE("r4") EK_DSP_TWICE("r5") EK_DSP_TWICE("r6") EK_DSP_TWICE("r7")
        "cmp r11, #256\n blo 9f\n"
        EK_DSP_HIGH_CHANNEL(EK_DSP_OUT_NO_TIES)
        "7: add lr, lr, #1\n str lr, [sp, #52]\n"
        "ldr r1, [sp, #60]\n cmp r0, r1\n bne 1b\n"
        "add sp, sp, #16\n pop {r4-r11, pc}\n"
        "8:\n" EK_DSP_LOW_CHANNEL(EK_DSP_OUT) "b 6b\n"
        "9:\n" EK_DSP_HIGH_CHANNEL(EK_DSP_OUT) "b 7b\n");
}

#endif

static void ek_dsp_tile(int32_t pixels, EK_DSP_TILE_ARGUMENTS)
{
#if EK_TILE == 4
    if (pixels == 4) {
        ek_dsp_four(x, x_end, w, pairs, out, stride, pairs_end, x_mid);
        return;
    }
    if (pixels == 3) {
        ek_dsp_three(x, x_end, w, pairs, out, stride, pairs_end, x_mid);
        return;
    }
#endif
    (void)pixels;
    ek_dsp_two(x, x_end, w, pairs, out, stride, pairs_end, x_mid);
}

#else

static void ek_dsp_tile(int32_t pixels, EK_DSP_TILE_ARGUMENTS)
{
    (void)x_mid;
    for (; pairs != pairs_end; pairs += 8) {
        for (int32_t pixel = 0; pixel < pixels; pixel++) {
            const int32_t *weight = w;
            int32_t sums[2] = {pairs[0], pairs[1]};
            for (const uint32_t *at = x + pixel; at < x_end; at += pixels) {
                ek_dsp_two_channels(*at, (uint32_t)*weight++, sums);
            }
            ek_dsp_two_outputs(pairs, sums, out + pixel * stride);
        }
        w += (x_end - x) / pixels;
        out += 2;
    }
}

#endif

#endif
