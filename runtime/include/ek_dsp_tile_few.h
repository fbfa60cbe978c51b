/* ek_dsp_tile_few.h -- three pixels, or two, by two channels: as ek_dsp_tile.h, in instructions
 *
 * For pixels that are no four, for half the scratch, and for weights of four bits (EK_NIBBLES). Fewer sums leave room for more words, so a
 * multiply-accumulate takes no more instructions than in tiles of four. */
#ifndef EK_DSP_TILE_FEW_H
#define EK_DSP_TILE_FEW_H

#ifdef EK_NIBBLES
#include "ek_dsp_nibbles.h"
#else
#include "ek_dsp_pair.h"
#endif

#ifdef EK_NIBBLES
#define EK_DSP_FEW_LOW(r) "asr " r ", " r ", #3\n"
#define EK_DSP_FEW_TWICE(r, low) EK_DSP_FEW_LOW(r)
#elif EK_MIXED
#define EK_DSP_FEW_APART(w) "sxtb16 r10, " w "\n"
#define EK_DSP_FEW_TWICE(r, low) "sub " r ", " r ", " low "\n asr " r ", " r ", #7\n"
#else
#define EK_DSP_FEW_APART(w) "sxtb16 r10, " w "\n sxtb16 " w ", " w ", ror #8\n"
#define EK_DSP_FEW_TWICE(r, low) "lsl " r ", " r ", #1\n"
#endif

#ifndef EK_NIBBLES
#define EK_DSP_FEW_LOW(r) "lsl " r ", " r ", #1\n"
#endif

/* Sums of the low channel first, then of the other or of both; x r11, w r12. */
#ifdef EK_NIBBLES
#define EK_DSP_TWO_LANES(lanes, x0, x1, sum0, sum1)                                                \
    "sxtb16 r10, " lanes "\n"                                                                      \
    "smlad " sum0 ", " x0 ", r10, " sum0 "\n smlad " sum1 ", " x1 ", r10, " sum1 "\n"
#define EK_DSP_TWO_STEPS                                                                           \
    "ldr r8, [r12], #4\n ldm r11!, {r4-r7}\n"                                                      \
    "and r9, r8, #0xF0F0F0F0\n lsl r8, r8, #4\n and r8, r8, #0xF0F0F0F0\n"                         \
    EK_DSP_TWO_LANES("r8", "r4", "r5", "r0", "r1") EK_DSP_TWO_LANES("r9", "r4", "r5", "r2", "r3")  \
    EK_DSP_TWO_LANES("r8, ror #8", "r6", "r7", "r0", "r1")                                         \
    EK_DSP_TWO_LANES("r9, ror #8", "r6", "r7", "r2", "r3")
#else
#define EK_DSP_TWO_WORD(w, x0, x1)                                                                 \
    EK_DSP_FEW_APART(w)                                                                            \
    "smlad r2, " x0 ", " w ", r2\n smlad r3, " x1 ", " w ", r3\n"                                  \
    "smlad r0, " x0 ", r10, r0\n smlad r1, " x1 ", r10, r1\n"
#define EK_DSP_TWO_STEPS                                                                           \
    "ldrd r8, r9, [r12], #8\n ldm r11!, {r4-r7}\n" EK_DSP_TWO_WORD("r8", "r4", "r5")               \
    EK_DSP_TWO_WORD("r9", "r6", "r7")
#endif
#define EK_DSP_THREE_STEP                                                                          \
    "ldr r9, [r12], #4\n ldm r11!, {r6-r8}\n" EK_DSP_FEW_APART("r9")                               \
    "smlad r3, r6, r9, r3\n smlad r4, r7, r9, r4\n smlad r5, r8, r9, r5\n"                         \
    "smlad r0, r6, r10, r0\n smlad r1, r7, r10, r1\n smlad r2, r8, r10, r2\n"
#define EK_DSP_THREE_STEPS EK_DSP_THREE_STEP EK_DSP_THREE_STEP

/* From x at r11 to x_mid and to x_end, which are on the stack. */
#define EK_DSP_FEW_WORDS(steps)                                                                    \
    "ldr lr, [sp, #64]\n cmp r11, lr\n beq 3f\n"                                                   \
    "2: .rept 4\n" steps ".endr\n cmp r11, lr\n bne 2b\n"                                          \
    "3: ldr lr, [sp, #4]\n cmp r11, lr\n beq 5f\n"                                                 \
    "4:\n" steps "cmp r11, lr\n bne 4b\n"                                                          \
    "5: str r12, [sp, #8]\n"

/* A channel's outputs, as ek_dsp_rescale_by_ties; the first goes to lr, the next r11 bytes further. What only
 * ties need stands apart, at the first label, and comes back to the second. */
#define EK_DSP_TWO_OUT(a, b, multiplier, rounding, shift, ties, back)                              \
    "smmlar r10, " a ", " multiplier ", " rounding "\n"                                            \
    "smmlar r12, " b ", " multiplier ", " rounding "\n"                                            \
    "cmp " shift ", #256\n blo " ties "f\n"                                                        \
    back ": asr r10, r10, " shift "\n asr r12, r12, " shift "\n"                                  \
    "ssat r10, #8, r10\n ssat r12, #8, r12\n strb r12, [lr, r11]\n strb r10, [lr], #1\n"
#define EK_DSP_TWO_TIES(a, b, ties, back)                                                          \
    ties ": add r10, r10, " a ", asr #31\n add r12, r12, " b ", asr #31\n b " back "b\n"
#define EK_DSP_THREE_OUT(a, b, c, ties, back)                                                      \
    "smmlar r10, " a ", r6, r7\n smmlar r12, " b ", r6, r7\n smmlar r9, " c ", r6, r7\n"           \
    "cmp r8, #256\n blo " ties "f\n"                                                               \
    back ": asr r10, r10, r8\n asr r12, r12, r8\n asr r9, r9, r8\n"                               \
    "ssat r10, #8, r10\n ssat r12, #8, r12\n ssat r9, #8, r9\n"                                    \
    "strb r9, [lr, r11, lsl #1]\n strb r12, [lr, r11]\n strb r10, [lr], #1\n"
#define EK_DSP_THREE_TIES(a, b, c, ties, back)                                                     \
    ties ": add r10, r10, " a ", asr #31\n add r12, r12, " b ", asr #31\n"                         \
    "add r9, r9, " c ", asr #31\n b " back "b\n"

#define EK_DSP_FEW_BEGIN                                                                           \
    "push {r0-r3, r4-r11, lr}\n"                                                                   \
    "1: ldrd r12, r10, [sp, #8]\n ldr r11, [sp]\n"
#define EK_DSP_FEW_END                                                                             \
    "str lr, [sp, #52]\n ldr r12, [sp, #60]\n cmp r10, r12\n bne 1b\n"                             \
    "add sp, sp, #16\n pop {r4-r11, pc}\n"

/* On the stack: x 0, x_end 4, w 8, pairs 12, nine saved registers, out 52, stride 56, pairs_end 60,
 * x_mid 64. */
static __attribute__((naked, noinline)) void ek_dsp_two(
    __attribute__((unused)) const uint32_t *x, __attribute__((unused)) const uint32_t *x_end,
    __attribute__((unused)) const int32_t *w, __attribute__((unused)) const int32_t *pairs,
    __attribute__((unused)) int8_t *out, __attribute__((unused)) int32_t stride,
    __attribute__((unused)) const int32_t *pairs_end,
    __attribute__((unused)) const uint32_t *x_mid)
{
    __asm__ volatile(
        EK_DSP_FEW_BEGIN "ldrd r0, r2, [r10]\n mov r1, r0\n mov r3, r2\n"
        EK_DSP_FEW_WORDS(EK_DSP_TWO_STEPS) EK_DSP_FEW_TWICE("r2", "r0") EK_DSP_FEW_TWICE("r3", "r1")
        EK_DSP_FEW_LOW("r0") EK_DSP_FEW_LOW("r1")
        "ldr r10, [sp, #12]\n add r10, r10, #8\n ldm r10!, {r4-r9}\n str r10, [sp, #12]\n"
        "ldrd lr, r11, [sp, #52]\n"
        EK_DSP_TWO_OUT("r0", "r1", "r4", "r5", "r6", "8", "6")
        EK_DSP_TWO_OUT("r2", "r3", "r7", "r8", "r9", "9", "7")
        "ldr r10, [sp, #12]\n" EK_DSP_FEW_END
        EK_DSP_TWO_TIES("r0", "r1", "8", "6") EK_DSP_TWO_TIES("r2", "r3", "9", "7"));
}

#if EK_TILE == 4
static __attribute__((naked, noinline)) void ek_dsp_three(
    __attribute__((unused)) const uint32_t *x, __attribute__((unused)) const uint32_t *x_end,
    __attribute__((unused)) const int32_t *w, __attribute__((unused)) const int32_t *pairs,
    __attribute__((unused)) int8_t *out, __attribute__((unused)) int32_t stride,
    __attribute__((unused)) const int32_t *pairs_end,
    __attribute__((unused)) const uint32_t *x_mid)
{
    __asm__ volatile(
        EK_DSP_FEW_BEGIN "ldrd r0, r3, [r10]\n mov r1, r0\n mov r2, r0\n mov r4, r3\n mov r5, r3\n"
        EK_DSP_FEW_WORDS(EK_DSP_THREE_STEPS) EK_DSP_FEW_TWICE("r3", "r0")
        EK_DSP_FEW_TWICE("r4", "r1") EK_DSP_FEW_TWICE("r5", "r2")
        EK_DSP_FEW_LOW("r0") EK_DSP_FEW_LOW("r1") EK_DSP_FEW_LOW("r2")
        "ldrd lr, r11, [sp, #52]\n ldr r10, [sp, #12]\n ldrd r6, r7, [r10, #8]\n ldr r8, [r10, #16]\n"
        EK_DSP_THREE_OUT("r0", "r1", "r2", "8", "6")
        "ldr r10, [sp, #12]\n ldrd r6, r7, [r10, #20]\n ldr r8, [r10, #28]\n"
        EK_DSP_THREE_OUT("r3", "r4", "r5", "9", "7")
        "ldr r10, [sp, #12]\n add r10, r10, #32\n str r10, [sp, #12]\n" EK_DSP_FEW_END
        EK_DSP_THREE_TIES("r0", "r1", "r2", "8", "6") EK_DSP_THREE_TIES("r3", "r4", "r5", "9", "7"));
}
#endif

#endif
