/* ek_dsp_tile_two.h -- two pixels by two channels: ek_dsp_tile.h in instructions for half the scratch
 *
 * Four sums leave room for two words of weights and of each pixel, so twelve instructions make sixteen
 * multiply-accumulates here, too. */
#ifndef EK_DSP_TILE_TWO_H
#define EK_DSP_TILE_TWO_H

#include "ek_dsp_pair.h"

#if EK_MIXED
#define EK_DSP_TWO_APART(w) "sxtb16 r10, " w "\n"
#define EK_DSP_TWO_SPLIT "sub r2, r2, r0\n sub r3, r3, r1\n asr r2, r2, #7\n asr r3, r3, #7\n"
#else
#define EK_DSP_TWO_APART(w) "sxtb16 r10, " w "\n sxtb16 " w ", " w ", ror #8\n"
#define EK_DSP_TWO_SPLIT "lsl r2, r2, #1\n lsl r3, r3, #1\n"
#endif

/* Sums of the low channel r0, r1, of the other or of both r2, r3; x r11, w r12. */
#define EK_DSP_TWO_WORD(w, x0, x1)                                                                 \
    EK_DSP_TWO_APART(w)                                                                            \
    "smlad r2, " x0 ", " w ", r2\n smlad r3, " x1 ", " w ", r3\n"                                  \
    "smlad r0, " x0 ", r10, r0\n smlad r1, " x1 ", r10, r1\n"
#define EK_DSP_TWO_STEPS                                                                           \
    "ldrd r8, r9, [r12], #8\n ldm r11!, {r4-r7}\n" EK_DSP_TWO_WORD("r8", "r4", "r5")               \
    EK_DSP_TWO_WORD("r9", "r6", "r7")

/* Both outputs of a channel, as ek_dsp_rescale; places lr and r11 bytes further. */
#define EK_DSP_TWO_OUT(a, b, multiplier, rounding, shift)                                          \
    "smmlar r10, " a ", " multiplier ", " rounding "\n"                                            \
    "smmlar r12, " b ", " multiplier ", " rounding "\n"                                            \
    "cmp " shift ", #0\n itt ne\n addne r10, r10, " a ", asr #31\n addne r12, r12, " b ", asr #31\n" \
    "asr r10, r10, " shift "\n asr r12, r12, " shift "\n"                                          \
    "ssat r10, #8, r10\n ssat r12, #8, r12\n strb r12, [lr, r11]\n strb r10, [lr], #1\n"

/* On the stack: x 0, x_end 4, w 8, pairs 12, nine saved registers, out 52, stride 56, pairs_end 60,
 * x_mid 64. */
static __attribute__((naked, noinline)) void ek_dsp_tile(
    __attribute__((unused)) const uint32_t *x, __attribute__((unused)) const uint32_t *x_end,
    __attribute__((unused)) const int32_t *w, __attribute__((unused)) const int32_t *pairs,
    __attribute__((unused)) int8_t *out, __attribute__((unused)) int32_t stride,
    __attribute__((unused)) const int32_t *pairs_end,
    __attribute__((unused)) const uint32_t *x_mid)
{
    __asm__ volatile(
        "push {r0-r3, r4-r11, lr}\n"
        "1: ldrd r12, r10, [sp, #8]\n ldr r11, [sp]\n"
        "ldrd r0, r2, [r10]\n mov r1, r0\n mov r3, r2\n"
        "ldr lr, [sp, #64]\n cmp r11, lr\n beq 3f\n"
        "2: .rept 4\n" EK_DSP_TWO_STEPS ".endr\n cmp r11, lr\n bne 2b\n"
        "3: ldr lr, [sp, #4]\n cmp r11, lr\n beq 5f\n"
        "4:\n" EK_DSP_TWO_STEPS "cmp r11, lr\n bne 4b\n"
        "5: str r12, [sp, #8]\n" EK_DSP_TWO_SPLIT
        "ldr r10, [sp, #12]\n add r10, r10, #8\n ldm r10!, {r4-r9}\n str r10, [sp, #12]\n"
        "ldrd lr, r11, [sp, #52]\n lsl r0, r0, #1\n lsl r1, r1, #1\n"
        EK_DSP_TWO_OUT("r0", "r1", "r4", "r5", "r6")
        EK_DSP_TWO_OUT("r2", "r3", "r7", "r8", "r9")
        "str lr, [sp, #52]\n"
        "ldr r10, [sp, #12]\n ldr r12, [sp, #60]\n cmp r10, r12\n bne 1b\n"
        "add sp, sp, #16\n pop {r4-r11, pc}\n");
}

#endif
