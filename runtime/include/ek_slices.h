/* ek_slices.h -- differing bits of 32 output channels at once
 *
 * Word p of the slices has bit p of 32 counts. A full adder takes two bits and the lowest slice to a sum and
 * a carry; carries of two such go through the next one, and so on: five operations for two bits of 32
 * channels, and as many again for all higher slices together. Inputs are masks, all ones or all zeros,
 * of even bits and of pairs modulo 2; weights come as edgekit/isa/slices.py packs them. With (a, b) the two
 * differences and u = a ^ b, the carry is a where u is 0, else what the slice was, o.
 *
 * With EK_LINE all that a window reads is one run on counts of 0, so that o is the sum modulo 2 of all
 * differences before: even inputs then come as such sums, and a ^ o is one operation. */
#ifndef EK_SLICES_H
#define EK_SLICES_H

#include <stdint.h>

#define EK_SLICES 16

/* Masks and weights that follow one another: bytes from the first ones, and words of bits. */
typedef struct {
    int32_t masks;
    int32_t weights;
    int32_t words;
} ek_slices_run;

#if defined(__ARM_FEATURE_DSP)

/* Of r2 to r5, masks, and r6 to r9, weights: the lowest slice r10 and the next r11; carry of weight 4 out. */
#if EK_LINE
#define EK_SLICES_PAIR(a, b, w_a, w_b)                                                             \
    "eor " a ", " a ", " w_a "\n eor " b ", " b ", " w_b "\n bic " a ", " a ", " b "\n"            \
    "eor " a ", " a ", r10\n eor r10, r10, " b "\n"
#else
#define EK_SLICES_PAIR(a, b, w_a, w_b)                                                             \
    "eor " a ", " a ", " w_a "\n eor " b ", " b ", " w_b "\n eor r6, " a ", r10\n"                 \
    "and r6, r6, " b "\n eor " a ", " a ", r6\n eor r10, r10, " b "\n"
#endif
#define EK_SLICES_FOUR(carry)                                                                      \
    "ldmia r0!, {r2-r5}\n ldmia r1!, {r6-r9}\n"                                                    \
    EK_SLICES_PAIR("r2", "r3", "r6", "r7") EK_SLICES_PAIR("r4", "r5", "r8", "r9")                  \
    "eor r6, r2, r4\n eor r7, r2, r11\n and r7, r7, r6\n eor " carry ", r2, r7\n"                  \
    "eor r11, r11, r6\n"

/* Eight inputs; the slice of fours is r12, the carry r7. */
#define EK_SLICES_EIGHT                                                                            \
    EK_SLICES_FOUR("lr") EK_SLICES_FOUR("r7")                                                      \
    "eor r6, lr, r7\n eor r7, lr, r12\n and r7, r7, r6\n eor r7, lr, r7\n eor r12, r12, r6\n"

/* The carry r7 and the one kept at `other` into the slice at `slice`; carry r7 out. */
#define EK_SLICES_KEPT(other, slice)                                                               \
    "ldr r2, [sp, #" other "]\n ldr r3, [sp, #" slice "]\n"                                        \
    "eor r6, r2, r7\n eor r7, r2, r3\n and r7, r7, r6\n eor r7, r2, r7\n eor r3, r3, r6\n"         \
    "str r3, [sp, #" slice "]\n"

#define EK_SLICES_SIXTEEN                                                                          \
    EK_SLICES_EIGHT "str r7, [sp]\n" EK_SLICES_EIGHT EK_SLICES_KEPT("0", "8")

/* On the stack: carries of eights 0 and sixteens 4, their slices 8 and 12, words left 16, higher slices 20,
 * the next run 24, masks 28, weights 32, slices 36. */
static __attribute__((naked, noinline)) void ek_slices_add(
    __attribute__((unused)) const uint32_t *masks, __attribute__((unused)) const uint32_t *weights,
    __attribute__((unused)) const ek_slices_run *runs, __attribute__((unused)) uint32_t *slices)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n sub sp, sp, #44\n"
        "strd r0, r1, [sp, #28]\n str r3, [sp, #36]\n str r2, [sp, #24]\n"
        "ldm r3!, {r10, r11, r12}\n ldm r3!, {r4, r5}\n strd r4, r5, [sp, #8]\n str r3, [sp, #20]\n"
        "0: ldr r6, [sp, #24]\n ldm r6!, {r0, r1, r2}\n ldrd r3, r4, [sp, #28]\n str r6, [sp, #24]\n"
        "add r0, r0, r3\n add r1, r1, r4\n str r2, [sp, #16]\n cmp r2, #0\n beq.w 4f\n"
        "1:\n" EK_SLICES_SIXTEEN "str r7, [sp, #4]\n" EK_SLICES_SIXTEEN EK_SLICES_KEPT("4", "12")
        "ldr r6, [sp, #20]\n"
        "2: ldrd r2, r3, [r6]\n and r4, r2, r7\n eor r2, r2, r7\n ands r7, r3, r4\n"
        "eor r3, r3, r4\n strd r2, r3, [r6], #8\n bne 2b\n"
        "ldr r2, [sp, #16]\n subs r2, r2, #1\n str r2, [sp, #16]\n bne.w 1b\n b.w 0b\n"
        "4: ldr r3, [sp, #36]\n stm r3!, {r10, r11, r12}\n ldrd r4, r5, [sp, #8]\n"
        "stm r3, {r4, r5}\n add sp, sp, #44\n pop {r4-r11, pc}\n");
}

#define EK_SLICES_MASKS(a, b, c, d)                                                                \
    "sbfx r3, r12, #" a ", #1\n sbfx r4, r12, #" b ", #1\n sbfx r5, r12, #" c ", #1\n"                \
    "sbfx r6, r12, #" d ", #1\n stmia r2!, {r3-r6}\n"

#if EK_LINE
#define EK_SLICES_INPUT                                                                            \
    "eor r3, r12, r12, lsl #1\n eor r4, r3, r3, lsl #2\n eor r4, r4, r4, lsl #4\n"                 \
    "eor r4, r4, r4, lsl #8\n eor r4, r4, r4, lsl #16\n eor r4, r4, r7\n asr r7, r4, #31\n"        \
    "eor r12, r3, r4\n and r12, r12, #0x55555555\n eor r12, r12, r3\n"
#else
#define EK_SLICES_INPUT "and r3, r12, #0x55555555\n eor r12, r12, r3, lsl #1\n"
#endif

/* The masks of the bits of some words; with EK_LINE of those behind others, whose sum modulo 2 is `before`.
 * That of all is returned. */
static __attribute__((naked, noinline)) uint32_t ek_slices_masks(
    __attribute__((unused)) const uint32_t *x, __attribute__((unused)) int32_t words,
    __attribute__((unused)) uint32_t *masks, __attribute__((unused)) uint32_t before)
{
    __asm__ volatile(
        "push {r4-r7}\n mov r7, r3\n"
        "1: ldr r12, [r0], #4\n" EK_SLICES_INPUT
        EK_SLICES_MASKS("0", "1", "2", "3") EK_SLICES_MASKS("4", "5", "6", "7")
        EK_SLICES_MASKS("8", "9", "10", "11") EK_SLICES_MASKS("12", "13", "14", "15")
        EK_SLICES_MASKS("16", "17", "18", "19") EK_SLICES_MASKS("20", "21", "22", "23")
        EK_SLICES_MASKS("24", "25", "26", "27") EK_SLICES_MASKS("28", "29", "30", "31")
        "subs r1, r1, #1\n bne 1b\n mov r0, r7\n pop {r4-r7}\n bx lr\n");
}

#else

static void ek_slices_bit(uint32_t bits, uint32_t *slices)
{
    for (int32_t p = 0; bits != 0; p++) {
        uint32_t carry = slices[p] & bits;
        slices[p] ^= bits;
        bits = carry;
    }
}

static void ek_slices_add(const uint32_t *masks, const uint32_t *weights, const ek_slices_run *runs,
                          uint32_t *slices)
{
    for (; runs->words != 0; runs++) {
        const uint32_t *x = masks + runs->masks / 4, *w = weights + runs->weights / 4;
        for (int32_t k = 0; k < 32 * runs->words; k += 2) {
            uint32_t even = x[k] ^ w[k] ^ (EK_LINE ? slices[0] : 0u);
            ek_slices_bit(even, slices);
            ek_slices_bit(even ^ x[k + 1] ^ w[k + 1], slices);
        }
    }
}

static uint32_t ek_slices_masks(const uint32_t *x, int32_t words, uint32_t *masks, uint32_t before)
{
    for (int32_t k = 0; k < 32 * words; k += 2) {
        uint32_t even = 0u - ((x[k / 32] >> (k % 32)) & 1u);
        uint32_t odd = 0u - ((x[k / 32] >> (k % 32 + 1)) & 1u);
        masks[k] = EK_LINE ? even ^ before : even;
        masks[k + 1] = even ^ odd;
        before ^= even ^ odd;
    }
    return before;
}

#endif

#endif
