/* ek_dsp_slide.h -- one row of outputs of a 3x3 window over four channels, one by one, with DSP
 *
 * Written in instructions, because the six words of weights stay in registers and everything else
 * has to fit beside them. Input values are words of two neighbouring columns, [4 channels][word][3
 * rows], a word more than windows begin in. A row of weights w0 w1 w2 is the words (w0, w1) and
 * (w1, w2), doubled, so that sums come doubled. */
#ifndef EK_DSP_SLIDE_H
#define EK_DSP_SLIDE_H

#include <stddef.h>

#include "ek_dsp.h"

/* Two neighbouring outputs from each word as far as x_pairs, then one output from each as far as
 * x_end; these are of the first channel. w: [4 channels][3 rows][2]; scales: [4 channels], each
 * twice the bias, multiplier, rounding, shift. A pixel's outputs are `stride` bytes on. */
#if defined(__ARM_FEATURE_DSP)

/* One row of one and of two outputs: x in r9 and r10, the outputs' sums r11 and r12. */
#define EK_DSP_ONE(x, w) "smlad r11, " x ", " w ", r11\n"
#define EK_DSP_ONE_MORE(x, w) "smlabt r11, " x ", " w ", r11\n"
#define EK_DSP_TWO(x, w) "smlatb r12, " x ", " w ", r12\n" EK_DSP_ONE(x, w)
#define EK_DSP_TWO_MORE(x, w) "smlad r12, " x ", " w ", r12\n" EK_DSP_ONE_MORE(x, w)

/* The sums over x at r6: its words j and j + 1. */
#define EK_DSP_WINDOW(first, more)                                                                 \
    "ldrd r9, r10, [r6, #8]\n" first("r9", "r4") more("r10", "r1")                                 \
    "ldrd r9, r10, [r6, #16]\n" more("r9", "r3") more("r10", "r5")                                 \
    "ldrd r9, r10, [r6], #12\n" first("r9", "r0") first("r10", "r2")

/* As ek_dsp_rescale_by_ties; multiplier r9, rounding r10. The shift replaces the sum that is done
 * with. */
#define EK_DSP_SHIFTED(sum, t)                                                                     \
    "smmlar " t ", " sum ", r9, r10\n add " t ", " t ", " sum ", asr #31\n"                        \
    "ldr " sum ", [sp, #12]\n asr " t ", " t ", " sum "\n ssat " t ", #8, " t "\n"
#define EK_DSP_NO_TIE(sum, t)                                                                      \
    "smmlar " t ", " sum ", r9, r10\n ldr " sum ", [sp, #12]\n asr " t ", " t ", " sum "\n"         \
    "ssat " t ", #8, " t "\n"
#define EK_DSP_UNSHIFTED(sum, t) "smmlar " t ", " sum ", r9, r10\n ssat " t ", #8, " t "\n"

#define EK_DSP_PAIRS(rescale)                                                                      \
    "ldr r11, [sp]\n mov r12, r11\n" EK_DSP_WINDOW(EK_DSP_TWO, EK_DSP_TWO_MORE)                    \
    "ldrd r9, r10, [sp, #4]\n"                                                                     \
    rescale("r11", "lr") "strb lr, [r7]\n"                                                         \
    rescale("r12", "lr") "strb lr, [r7, r8]\n add r7, r7, r8, lsl #1\n"
#define EK_DSP_SINGLE(rescale)                                                                     \
    "ldr r11, [sp]\n" EK_DSP_WINDOW(EK_DSP_ONE, EK_DSP_ONE_MORE)                                   \
    "ldrd r9, r10, [sp, #4]\n"                                                                     \
    rescale("r11", "lr") "strb lr, [r7]\n add r7, r7, r8\n"
#define EK_DSP_ROW(rescale)                                                                        \
    "ldr lr, [sp, #16]\n cmp r6, lr\n beq 2f\n"                                                    \
    "1:\n" EK_DSP_PAIRS(rescale) "ldr lr, [sp, #16]\n cmp r6, lr\n bne 1b\n"                       \
    "2: ldr lr, [sp, #20]\n cmp r6, lr\n beq 4f\n"                                                 \
    "3:\n" EK_DSP_SINGLE(rescale) "ldr lr, [sp, #20]\n cmp r6, lr\n bne 3b\n"                      \
    "4:\n"

/* On the stack: scale 0, 4, 8, 12, x_pairs 16, x_end 20, bytes of a channel 24, w 28, scales 32, end
 * of w 36, nine saved registers, then the arguments from the fifth on: scales 76, out 80,
 * stride 84. */
static __attribute__((naked, noinline)) void ek_dsp_slide(
    __attribute__((unused)) const uint32_t *x, __attribute__((unused)) const uint32_t *x_pairs,
    __attribute__((unused)) const uint32_t *x_end, __attribute__((unused)) const int32_t *w,
    __attribute__((unused)) const int32_t *scales, __attribute__((unused)) int8_t *out,
    __attribute__((unused)) int32_t stride)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldr r5, [sp, #36]\n ldrd r7, r8, [sp, #40]\n"
        "mov r4, r3\n add r6, r3, #96\n sub r3, r2, r0\n add r3, r3, #12\n"
        "push {r1-r6}\n sub sp, sp, #16\n mov r6, r0\n"
        "0: ldr lr, [sp, #28]\n ldm lr!, {r0-r5}\n str lr, [sp, #28]\n"
        "ldr lr, [sp, #32]\n ldm lr!, {r9-r12}\n str lr, [sp, #32]\n stm sp, {r9-r12}\n"
        "cmp r12, #256\n beq 5f\n bhi 7f\n"
        EK_DSP_ROW(EK_DSP_SHIFTED)
        "b 6f\n"
        "5:\n" EK_DSP_ROW(EK_DSP_UNSHIFTED)
        "b 6f\n"
        "7:\n" EK_DSP_ROW(EK_DSP_NO_TIE)
        "6: ldrd r9, r10, [sp, #16]\n ldr r11, [sp, #24]\n"
        "add r9, r9, r11\n add r10, r10, r11\n strd r9, r10, [sp, #16]\n add r6, r6, #12\n"
        "ldr r7, [sp, #80]\n add r7, r7, #1\n str r7, [sp, #80]\n"
        "ldr r9, [sp, #28]\n ldr r10, [sp, #36]\n cmp r9, r10\n bne 0b\n"
        "add sp, sp, #40\n pop {r4-r11, pc}\n");
}

#else

static int32_t ek_dsp_window(const uint32_t *x, const int32_t *w, int32_t sum, int second)
{
    for (int32_t row = 0; row < 3; row++) {
        uint32_t left = x[row], right = x[row + 3];
        uint32_t w01 = (uint32_t)w[2 * row], w12 = (uint32_t)w[2 * row + 1];
        sum = second ? ek_smlad(right, w12, ek_smlatb(left, w01, sum))
                     : ek_smlabt(right, w12, ek_smlad(left, w01, sum));
    }
    return sum;
}

static void ek_dsp_slide(const uint32_t *x, const uint32_t *x_pairs, const uint32_t *x_end,
                         const int32_t *w, const int32_t *scales, int8_t *out, int32_t stride)
{
    ptrdiff_t paired = x_pairs - x, all = x_end - x;
    for (int32_t c = 0; c < 4; c++) {
        int8_t *to = out + c;
        for (ptrdiff_t i = 0; i < all; i += 3) {
            for (int second = 0; second <= (i < paired); second++) {
                int32_t sum = ek_dsp_window(x + i, w, scales[0], second);
                *to = (int8_t)ek_dsp_rescale_by_ties(sum, scales[1], scales[2], scales[3]);
                to += stride;
            }
        }
        x += all + 3;
        w += 6;
        scales += 4;
    }
}

#endif

#endif
