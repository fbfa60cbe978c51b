/* ek_mve_taps.h -- four pixels by sixteen channels of a depthwise convolution with MVE.
 *
 * The values of a window's taps are woven together, four a word, so that a channel's window is a
 * vector of words that lie 64 bytes apart. */
#ifndef EK_MVE_TAPS_H
#define EK_MVE_TAPS_H

#include "ek_mve.h"

enum { EK_MVE_CHANNELS = 16, EK_MVE_GROUP = 4 * EK_MVE_CHANNELS };

/* x: [windows][groups of four taps][16 channels][4]. lane[i]: where the words of pixel i's first four
 * groups stand. excess: how many bytes a channel's last 16 weights are short of 16. */
typedef struct {
    const int8_t *x;
    const int8_t *weights;
    const int32_t *scales;
    int32_t taps;
    int8_t *out;
    int32_t channels;
    int32_t excess;
    int32_t offset[4];
    int32_t low[4];
    int32_t high[4];
    int32_t lane[4][4];
} ek_mve_taps;

#if defined(__ARM_FEATURE_MVE)

/* Weaves up to sixteen channels of the taps in `list`, and moves it on to the channels behind them. */
static inline void ek_mve_weave(int8_t *to, const int8_t **list, int32_t groups, int32_t channels)
{
    __asm__ volatile("dls lr, %2\n"
                     "1: ldm %1, {r4, r5, r6, r8}\n"
                     "vctp.8 %3\n"
                     "vpstttt\n"
                     "vldrbt.u8 q0, [r4], #16\n"
                     "vldrbt.u8 q1, [r5], #16\n"
                     "vldrbt.u8 q2, [r6], #16\n"
                     "vldrbt.u8 q3, [r8], #16\n"
                     "stm %1!, {r4, r5, r6, r8}\n"
                     "vst40.8 {q0, q1, q2, q3}, [%0]\n"
                     "vst41.8 {q0, q1, q2, q3}, [%0]\n"
                     "vst42.8 {q0, q1, q2, q3}, [%0]\n"
                     "vst43.8 {q0, q1, q2, q3}, [%0]!\n"
                     "le lr, 1b\n"
                     : "+r"(to), "+r"(list)
                     : "r"(groups), "r"(channels)
                     : "r4", "r5", "r6", "r8", "lr", "q0", "q1", "q2", "q3", "memory");
}

/* Channels r7, windows r1, step r3, sums r2 r4 r6 r8, weights r9, out r10, scales r11, taps r12; lanes
 * q3-q6, places of the outputs q7. */
static __attribute__((naked, noinline)) void ek_mve_depthwise(
    __attribute__((unused)) const ek_mve_taps *t)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "vpush {d8-d15}\n"
        "ldm r0, {r1, r9, r11, r12}\n"
        "ldrd r10, r7, [r0, #16]\n"
        "ldr r5, [r0, #24]\n"
        "vldrw.u32 q7, [r0, #28]\n"
        "vldrw.u32 q3, [r0, #76]\n"
        "vldrw.u32 q4, [r0, #92]\n"
        "vldrw.u32 q5, [r0, #108]\n"
        "vldrw.u32 q6, [r0, #124]\n"
        "1: ldr r2, [r11], #4\n mov r4, r2\n mov r6, r2\n mov r8, r2\n"
        "mov r3, r1\n"
        "dlstp.8 lr, r12\n"
        "2: vldrb.u8 q0, [r9], #16\n"
        "vldrw.u32 q1, [r3, q3]\n vmladava.s8 r2, q0, q1\n"
        "vldrw.u32 q2, [r3, q4]\n vmladava.s8 r4, q0, q2\n"
        "vldrw.u32 q1, [r3, q5]\n vmladava.s8 r6, q0, q1\n"
        "vldrw.u32 q2, [r3, q6]\n vmladava.s8 r8, q0, q2\n"
        "add r3, r3, #256\n"
        "letp lr, 2b\n"
        "sub r9, r9, r5\n"
        "adds r1, r1, #4\n"
        "vmov q0[2], q0[0], r2, r6\n"
        "vmov q0[3], q0[1], r4, r8\n"
        "ldm r11!, {r2, r4, r6}\n" EK_MVE_RESCALE("r2", "r4", "r8")
        "vadd.i32 q0, q0, r6\n"
        "vldrw.u32 q1, [r0, #44]\n vmax.s32 q0, q0, q1\n"
        "vldrw.u32 q2, [r0, #60]\n vmin.s32 q0, q0, q2\n"
        "vstrb.32 q0, [r10, q7]\n"
        "add r10, r10, #1\n"
        "subs r7, r7, #1\n"
        "bne 1b\n"
        "vpop {d8-d15}\n"
        "pop {r4-r11, pc}\n");
}

#else

static inline void ek_mve_weave(int8_t *to, const int8_t **list, int32_t groups, int32_t channels)
{
    for (int32_t i = 0; i < 4 * groups; i++) {
        for (int32_t c = 0; c < channels && c < EK_MVE_CHANNELS; c++) {
            to[i / 4 * EK_MVE_GROUP + 4 * c + i % 4] = list[i][c];
        }
        list[i] += channels < EK_MVE_CHANNELS ? channels : EK_MVE_CHANNELS;
    }
}

static void ek_mve_depthwise(const ek_mve_taps *t)
{
    for (int32_t c = 0; c < t->channels; c++) {
        const int32_t *scale = t->scales + EK_MVE_SCALE * c;
        for (int32_t i = 0; i < 4; i++) {
            const int8_t *x = t->x + t->lane[i][0] + 4 * c;
            int32_t sum = scale[EK_MVE_BIAS];
            for (int32_t k = 0; k < t->taps; k++) {
                sum += x[k / 4 * EK_MVE_GROUP + k % 4] * t->weights[c * t->taps + k];
            }
            t->out[t->offset[i] + c] = ek_mve_output(sum, scale, t->low[0], t->high[0]);
        }
    }
}

#endif

#endif
