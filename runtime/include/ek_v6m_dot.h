/* ek_v6m_dot.h -- one channel of four pixels, for Armv6-M */
#ifndef EK_V6M_DOT_H
#define EK_V6M_DOT_H

#include "ek_v6m.h"

#if EK_V6M

/* sums[4] += x[k][4] * w[k] over a multiple of four taps. */
static __attribute__((naked, noinline)) void
ek_v6m_dot4(__attribute__((unused)) const int32_t *x, __attribute__((unused)) const int32_t *x_end,
            __attribute__((unused)) const int8_t *w, __attribute__((unused)) int32_t *sums)
{
    __asm__ volatile(
        EK_V6M_SAVE EK_V6M_LOAD_HIGH
        "mov r12, r1\n movs r1, r2\n movs r3, #0\n"
        "1: .rept 4\n"
        "ldm r0!, {r4-r7}\n ldrsb r2, [r1, r3]\n adds r1, #1\n"
        "muls r4, r2, r4\n add r8, r4\n muls r5, r2, r5\n add r9, r5\n"
        "muls r6, r2, r6\n add r10, r6\n muls r7, r2, r7\n add r11, r7\n"
        ".endr\n"
        "cmp r0, r12\n bne 1b\n"
        "pop {r3}\n" EK_V6M_STORE_HIGH EK_V6M_RESTORE);
}

#else

static void ek_v6m_dot4(const int32_t *x, const int32_t *x_end, const int8_t *w, int32_t *sums)
{
    for (; x != x_end; x += 4) {
        for (int32_t i = 0; i < 4; i++) {
            sums[i] += x[i] * *w;
        }
        w++;
    }
}

#endif

#endif
