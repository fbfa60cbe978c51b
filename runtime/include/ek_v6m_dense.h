/* ek_v6m_dense.h -- one vector against eight rows of weights, for Armv6-M */
#ifndef EK_V6M_DENSE_H
#define EK_V6M_DENSE_H

#include "ek_v6m.h"

#if EK_V6M

/* sums[8] += x[k] * w[k][8] over a multiple of eight taps. */
static __attribute__((naked, noinline)) void
ek_v6m_dense8(__attribute__((unused)) const int8_t *x, __attribute__((unused)) const int8_t *x_end,
              __attribute__((unused)) const uint8_t *w, __attribute__((unused)) int32_t *sums)
{
    __asm__ volatile(
        EK_V6M_SAVE EK_V6M_LOAD_HIGH
        "ldm r3!, {r4-r7}\n mov r12, r1\n movs r1, r2\n"
        "1: .set ek_x, 0\n .rept 2\n .set ek_tap, 0\n .rept 4\n"
        "ldrb r3, [r0, #ek_x]\n sxtb r3, r3\n"
        "ldrb r2, [r1, #8 * ek_tap]\n muls r2, r3, r2\n add r8, r2\n"
        "ldrb r2, [r1, #8 * ek_tap + 1]\n muls r2, r3, r2\n add r9, r2\n"
        "ldrb r2, [r1, #8 * ek_tap + 2]\n muls r2, r3, r2\n add r10, r2\n"
        "ldrb r2, [r1, #8 * ek_tap + 3]\n muls r2, r3, r2\n add r11, r2\n"
        "ldrb r2, [r1, #8 * ek_tap + 4]\n muls r2, r3, r2\n adds r4, r4, r2\n"
        "ldrb r2, [r1, #8 * ek_tap + 5]\n muls r2, r3, r2\n adds r5, r5, r2\n"
        "ldrb r2, [r1, #8 * ek_tap + 6]\n muls r2, r3, r2\n adds r6, r6, r2\n"
        "ldrb r2, [r1, #8 * ek_tap + 7]\n muls r2, r3, r2\n adds r7, r7, r2\n"
        ".set ek_tap, ek_tap + 1\n .set ek_x, ek_x + 1\n .endr\n adds r1, #32\n .endr\n"
        "adds r0, #8\n cmp r0, r12\n beq 2f\n b 1b\n"
        "2:\n"
        "pop {r3}\n adds r3, #16\n stm r3!, {r4-r7}\n subs r3, #32\n"
        EK_V6M_STORE_HIGH EK_V6M_RESTORE);
}

#else

static void ek_v6m_dense8(const int8_t *x, const int8_t *x_end, const uint8_t *w, int32_t *sums)
{
    for (; x != x_end; x++) {
        for (int32_t i = 0; i < 8; i++) {
            sums[i] += *x * *w++;
        }
    }
}

#endif

#endif
