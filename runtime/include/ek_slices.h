/* ek_slices.h -- differing bits of 32 output channels at once
 *
 * Word p of the slices has bit p of 32 counts. A full adder takes two bits and the lowest slice to a sum and
 * a carry; carries of two such go through the next one, and so on: five operations for two bits of 32
 * channels, and as many again for all higher slices together. Inputs are masks, all ones or all zeros,
 * of even bits and of pairs modulo 2; weights come as edgekit/isa/slices.py packs them. With (a, b) the two
 * differences and u = a ^ b, the carry is a where u is 0, else what the slice was. */
#ifndef EK_SLICES_H
#define EK_SLICES_H

#include <stdint.h>

#define EK_SLICES 16

#if defined(__ARM_ARCH) && defined(__thumb2__) && __ARM_ARCH >= 7

/* Of r2 to r5, masks, and r6 to r9, weights: the lowest slice r10 and the next r11; carry of weight 4 out. */
#define EK_SLICES_FOUR(carry)                                                                      \
    "ldmia r0!, {r2-r5}\n ldmia r1!, {r6-r9}\n"                                                    \
    "eor r2, r2, r6\n eor r3, r3, r7\n eor r6, r2, r10\n and r6, r6, r3\n eor r2, r2, r6\n"        \
    "eor r10, r10, r3\n"                                                                           \
    "eor r4, r4, r8\n eor r5, r5, r9\n eor r6, r4, r10\n and r6, r6, r5\n eor r4, r4, r6\n"        \
    "eor r10, r10, r5\n"                                                                           \
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

/* On the stack: carries of eights and sixteens, their slices, words left, slices. */
static void __attribute__((naked, noinline))
ek_slices_add(const uint32_t *masks, const uint32_t *weights, int32_t words, uint32_t *slices)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n sub sp, sp, #28\n str r2, [sp, #16]\n str r3, [sp, #20]\n"
        "ldm r3, {r10, r11, r12}\n ldrd r4, r5, [r3, #12]\n strd r4, r5, [sp, #8]\n"
        "1:\n" EK_SLICES_SIXTEEN "str r7, [sp, #4]\n" EK_SLICES_SIXTEEN EK_SLICES_KEPT("4", "12")
        "ldr r6, [sp, #20]\n add r6, r6, #20\n cbz r7, 3f\n"
        "2: ldr r2, [r6]\n and r3, r2, r7\n eor r2, r2, r7\n str r2, [r6], #4\n movs r7, r3\n"
        "bne 2b\n"
        "3: ldr r2, [sp, #16]\n subs r2, r2, #1\n str r2, [sp, #16]\n bne.w 1b\n"
        "ldr r3, [sp, #20]\n stm r3, {r10, r11, r12}\n ldrd r4, r5, [sp, #8]\n"
        "strd r4, r5, [r3, #12]\n add sp, sp, #28\n pop {r4-r11, pc}\n");
}

#define EK_SLICES_MASKS(a, b, c, d)                                                                \
    "sbfx r2, r0, #" a ", #1\n sbfx r3, r0, #" b ", #1\n sbfx r4, r0, #" c ", #1\n"                \
    "sbfx r5, r0, #" d ", #1\n stmia r1!, {r2-r5}\n"

/* The masks of a word's bits. */
static void __attribute__((naked, noinline)) ek_slices_masks(uint32_t word, uint32_t *masks)
{
    __asm__ volatile(
        "push {r4, r5}\n and r2, r0, #0x55555555\n eor r0, r0, r2, lsl #1\n"
        EK_SLICES_MASKS("0", "1", "2", "3") EK_SLICES_MASKS("4", "5", "6", "7")
        EK_SLICES_MASKS("8", "9", "10", "11") EK_SLICES_MASKS("12", "13", "14", "15")
        EK_SLICES_MASKS("16", "17", "18", "19") EK_SLICES_MASKS("20", "21", "22", "23")
        EK_SLICES_MASKS("24", "25", "26", "27") EK_SLICES_MASKS("28", "29", "30", "31")
        "pop {r4, r5}\n bx lr\n");
}

#else

static void ek_slices_add(const uint32_t *masks, const uint32_t *weights, int32_t words,
                          uint32_t *slices)
{
    for (int32_t k = 0; k < 32 * words; k += 2) {
        uint32_t even = masks[k] ^ weights[k], odd = even ^ masks[k + 1] ^ weights[k + 1];
        uint32_t bits[2] = {even, odd};
        for (int32_t i = 0; i < 2; i++) {
            uint32_t carry = bits[i];
            for (int32_t p = 0; carry != 0; p++) {
                uint32_t next = slices[p] & carry;
                slices[p] ^= carry;
                carry = next;
            }
        }
    }
}

static void ek_slices_masks(uint32_t word, uint32_t *masks)
{
    word ^= (word & 0x55555555u) << 1;
    for (int32_t k = 0; k < 32; k++) {
        masks[k] = 0u - ((word >> k) & 1u);
    }
}

#endif

#endif
