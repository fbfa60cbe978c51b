/* ek_v6m_taps.h -- four channels of one pixel, each with weights of its own, for Armv6-M */
#ifndef EK_V6M_TAPS_H
#define EK_V6M_TAPS_H

#include "ek_v6m.h"

#if EK_V6M

/* sums[4] of four channels over the taps from t to end, at least one; a tap is two offsets in bytes,
 * in x and in w. */
static __attribute__((naked, noinline)) void
ek_v6m_taps4(__attribute__((unused)) const int32_t *t, __attribute__((unused)) const int32_t *end,
             __attribute__((unused)) const int8_t *x, __attribute__((unused)) const int8_t *w,
             __attribute__((unused)) int32_t *sums)
{
    __asm__ volatile(
        EK_V6M_SAVE
        "movs r7, r0\n mov r8, r1\n movs r4, #4\n mov r9, r4\n ldr r4, [sp, #40]\n mov r10, r4\n"
        "subs r4, r1, r0\n movs r5, #8\n ands r4, r5\n mov r11, r4\n"
        "1: movs r0, r7\n movs r6, #0\n mov r1, r11\n cmp r1, #0\n beq 3f\n"
        "ldm r0!, {r4, r5}\n ldrsb r4, [r2, r4]\n ldrsb r5, [r3, r5]\n muls r4, r5, r4\n"
        "adds r6, r6, r4\n"
        "cmp r0, r8\n beq 4f\n"
        "3: .rept 2\n"
        "ldm r0!, {r4, r5}\n ldrsb r4, [r2, r4]\n ldrsb r5, [r3, r5]\n muls r4, r5, r4\n"
        "adds r6, r6, r4\n"
        ".endr\n"
        "cmp r0, r8\n bne 3b\n"
        "4: mov r1, r10\n stm r1!, {r6}\n mov r10, r1\n adds r2, #1\n adds r3, #1\n"
        "mov r1, r9\n subs r1, #1\n mov r9, r1\n bne 1b\n"
        "pop {r3}\n" EK_V6M_RESTORE);
}

#else

static void ek_v6m_taps4(const int32_t *t, const int32_t *end, const int8_t *x, const int8_t *w,
                         int32_t *sums)
{
    for (int32_t c = 0; c < 4; c++) {
        sums[c] = 0;
        for (const int32_t *at = t; at != end; at += 2) {
            sums[c] += x[at[0] + c] * w[at[1] + c];
        }
    }
}

#endif

#endif
