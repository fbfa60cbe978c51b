/* ek_mve_tile.h -- four pixels by all channels, for convolutions with MVE */
#ifndef EK_MVE_TILE_H
#define EK_MVE_TILE_H

#include "ek_mve.h"

/* x: the windows of four pixels; excess: how many bytes a window's last 16 are short of 16. Rows of
 * weights and scales follow one another as far as scales_end. Pixel i's outputs begin at
 * out + offset[i]. */
typedef struct {
    const int8_t *x[4];
    const int8_t *weights;
    const int32_t *scales;
    const int32_t *scales_end;
    int32_t excess;
    int32_t taps;
    int8_t *out;
    int32_t offset[4];
    int32_t low;
    int32_t high;
} ek_mve_tile;

#if defined(__ARM_FEATURE_MVE)

/* Windows r1 r3 r5 r7, sums r2 r4 r6 r8 (VMLADAVA has even registers), weights r9, out r10, scales
 * r11, taps r12. Ten instructions make 64 multiply-accumulates, 24 the end of a channel. */
static __attribute__((naked, noinline)) void ek_mve_multiply(
    __attribute__((unused)) const ek_mve_tile *t)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "vpush {d8-d11}\n"
        "ldrd r9, r11, [r0, #16]\n"
        "ldrd r12, r10, [r0, #32]\n"
        "vldrw.u32 q3, [r0, #40]\n"
        "ldrd r1, r2, [r0, #56]\n"
        "vdup.32 q4, r1\n"
        "vdup.32 q5, r2\n"
        "1: ldm r0, {r1, r3, r5, r7}\n"
        "ldr r2, [r11], #4\n mov r4, r2\n mov r6, r2\n mov r8, r2\n"
        "dlstp.8 lr, r12\n"
        "2: vldrb.u8 q0, [r9], #16\n"
        "vldrb.u8 q1, [r1], #16\n vmladava.s8 r2, q0, q1\n"
        "vldrb.u8 q2, [r3], #16\n vmladava.s8 r4, q0, q2\n"
        "vldrb.u8 q1, [r5], #16\n vmladava.s8 r6, q0, q1\n"
        "vldrb.u8 q2, [r7], #16\n vmladava.s8 r8, q0, q2\n"
        "letp lr, 2b\n"
        "vmov q0[2], q0[0], r2, r6\n"
        "vmov q0[3], q0[1], r4, r8\n"
        "ldm r11!, {r2, r4, r6}\n" EK_MVE_RESCALE("r2", "r4", "r8")
        "vadd.i32 q0, q0, r6\n"
        "vmax.s32 q0, q0, q4\n"
        "vmin.s32 q0, q0, q5\n"
        "vstrb.32 q0, [r10, q3]\n"
        "add r10, r10, #1\n"
        "ldrd r1, r3, [r0, #24]\n"
        "sub r9, r9, r3\n"
        "cmp r11, r1\n"
        "bne 1b\n"
        "vpop {d8-d11}\n"
        "pop {r4-r11, pc}\n");
}

#else

static void ek_mve_multiply(const ek_mve_tile *t)
{
    const int8_t *w = t->weights;
    int8_t *out = t->out;
    for (const int32_t *scale = t->scales; scale != t->scales_end; scale += EK_MVE_SCALE) {
        for (int32_t i = 0; i < 4; i++) {
            int32_t sum = scale[EK_MVE_BIAS];
            for (int32_t k = 0; k < t->taps; k++) {
                sum += t->x[i][k] * w[k];
            }
            out[t->offset[i]] = ek_mve_output(sum, scale, t->low, t->high);
        }
        w += t->taps;
        out++;
    }
}

#endif

#endif
