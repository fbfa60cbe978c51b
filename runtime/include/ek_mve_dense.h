/* ek_mve_dense.h -- one vector by all channels, four at a time, for cores with MVE */
#ifndef EK_MVE_DENSE_H
#define EK_MVE_DENSE_H

#include "ek_mve.h"

/* Rows of weights and scales follow one another, filled up to a multiple of four; `channels` of them
 * are stored. */
typedef struct {
    const int8_t *x;
    const int8_t *weights;
    const int32_t *scales;
    int32_t taps;
    int8_t *out;
    int32_t channels;
    int32_t low;
    int32_t high;
} ek_mve_dense;

#if defined(__ARM_FEATURE_MVE)

/* Vector r1, rows r10 r5 r7 r9, sums r2 r4 r6 r8, out r3, scales r11, taps r12. The argument keeps
 * what changes from four channels to the next. */
static __attribute__((naked, noinline)) void ek_mve_four_rows(
    __attribute__((unused)) ek_mve_dense *d)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "vpush {d8-d13}\n"
        "ldrd r11, r12, [r0, #8]\n"
        "ldr r3, [r0, #16]\n"
        "ldrd r1, r2, [r0, #24]\n"
        "vdup.32 q5, r1\n"
        "vdup.32 q6, r2\n"
        "1: ldrd r1, r10, [r0]\n"
        "add r5, r10, r12\n add r7, r5, r12\n add r9, r7, r12\n add r2, r9, r12\n"
        "str r2, [r0, #4]\n"
        "movs r2, #0\n movs r4, #0\n movs r6, #0\n mov r8, r2\n"
        "dlstp.8 lr, r12\n"
        "2: vldrb.u8 q0, [r1], #16\n"
        "vldrb.u8 q1, [r10], #16\n vmladava.s8 r2, q0, q1\n"
        "vldrb.u8 q2, [r5], #16\n vmladava.s8 r4, q0, q2\n"
        "vldrb.u8 q1, [r7], #16\n vmladava.s8 r6, q0, q1\n"
        "vldrb.u8 q2, [r9], #16\n vmladava.s8 r8, q0, q2\n"
        "letp lr, 2b\n"
        "vmov q4[2], q4[0], r2, r6\n"
        "vmov q4[3], q4[1], r4, r8\n"
        "vld40.32 {q0, q1, q2, q3}, [r11]\n"
        "vld41.32 {q0, q1, q2, q3}, [r11]\n"
        "vld42.32 {q0, q1, q2, q3}, [r11]\n"
        "vld43.32 {q0, q1, q2, q3}, [r11]!\n"
        "vadd.i32 q4, q4, q0\n"
        "vqrdmulh.s32 q4, q4, q1\n"
        "vand q0, q4, q2\n" /* negative where the product is and a shift follows */
        "vshr.s32 q0, q0, #31\n"
        "vadd.i32 q4, q4, q0\n"
        "vrshl.s32 q4, q4, q2\n"
        "vadd.i32 q4, q4, q3\n"
        "vmax.s32 q4, q4, q5\n"
        "vmin.s32 q4, q4, q6\n"
        "ldr r1, [r0, #20]\n"
        "vctp.32 r1\n"
        "vpst\n"
        "vstrbt.32 q4, [r3], #4\n"
        "subs r1, r1, #4\n"
        "str r1, [r0, #20]\n"
        "bgt 1b\n"
        "vpop {d8-d13}\n"
        "pop {r4-r11, pc}\n");
}

#else

static void ek_mve_four_rows(ek_mve_dense *d)
{
    for (int32_t c = 0; c < d->channels; c++) {
        const int32_t *scale = d->scales + EK_MVE_SCALE * c;
        int32_t sum = scale[EK_MVE_BIAS];
        for (int32_t k = 0; k < d->taps; k++) {
            sum += d->x[k] * d->weights[c * d->taps + k];
        }
        d->out[c] = ek_mve_output(sum, scale, d->low, d->high);
    }
}

#endif

#endif
