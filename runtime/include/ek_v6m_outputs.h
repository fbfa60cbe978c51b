/* ek_v6m_outputs.h -- the outputs of neighbouring channels from their sums, for Armv6-M */
#ifndef EK_V6M_OUTPUTS_H
#define EK_V6M_OUTPUTS_H

#include "ek_v6m_rescale.h"

#if EK_V6M

/* scale: per channel bias, multiplier, rounding, shift; the sums do not have the bias. */
static __attribute__((naked, noinline)) void
ek_v6m_outputs(__attribute__((unused)) const int32_t *sums, __attribute__((unused)) const int32_t *end,
               __attribute__((unused)) const int32_t *scale, __attribute__((unused)) int8_t *out,
               __attribute__((unused)) int32_t low, __attribute__((unused)) int32_t high)
{
    __asm__ volatile(
        EK_V6M_SAVE
        "movs r7, r3\n mov r9, r1\n movs r1, r2\n"
        "ldr r2, [sp, #40]\n mov r10, r2\n ldr r2, [sp, #44]\n mov r11, r2\n"
        "1: ldm r0!, {r2}\n ldm r1!, {r3, r4}\n adds r2, r2, r3\n lsls r2, r2, #1\n mov r12, r2\n"
        EK_V6M_MULTIPLY("r3", "r5", "r6", "r2", "r4")
        "ldm r1!, {r4, r5}\n adds r3, r3, r4\n cmp r5, #0\n beq 2f\n"
        "mov r4, r12\n asrs r4, r4, #31\n adds r3, r3, r4\n asrs r3, r3, r5\n"
        "2: cmp r3, r10\n bge 3f\n mov r3, r10\n"
        "3: cmp r3, r11\n ble 4f\n mov r3, r11\n"
        "4: strb r3, [r7]\n adds r7, #1\n"
        "cmp r0, r9\n bne 1b\n"
        "pop {r3}\n" EK_V6M_RESTORE);
}

#else

static void ek_v6m_outputs(const int32_t *sums, const int32_t *end, const int32_t *scale,
                           int8_t *out, int32_t low, int32_t high)
{
    for (; sums != end; sums++) {
        *out++ = (int8_t)ek_clamp(ek_v6m_rescale(*sums + scale[0], scale), low, high);
        scale += 4;
    }
}

#endif

#endif
