/* ek_dsp_planes.h -- three rows of four channels taken apart into planes, with DSP
 *
 * A plane is one channel: words of two neighbouring columns as 16-bit values, [word][3 rows], as
 * ek_dsp_slide.h reads them. Written in instructions, because pointers into three rows and four planes
 * leave five registers. */
#ifndef EK_DSP_PLANES_H
#define EK_DSP_PLANES_H

#include "ek_dsp.h"

/* pixel: bytes from a column to the next. x, upper: where the first word with a column inside goes in
 * planes 0 and 2; the planes after them are `plane` bytes on. That word has only its second column
 * inside if left_edge; then come words with both as far as pairs_end (where they go in plane 0), then
 * one with its first only if right_edge. zero: two columns outside. The instructions know this order. */
typedef struct {
    int32_t pixel;
    uint32_t *x;
    uint32_t *upper;
    int32_t plane;
    uint32_t *pairs_end;
    uint32_t zero;
    int32_t left_edge;
    int32_t right_edge;
} ek_dsp_planes;

#if defined(__ARM_FEATURE_DSP)

/* Channels 0 and 2 of a column in `a02`, 1 and 3 in `a13`, of the next in `b02` and `b13`; a02 and a13
 * stay. Places x r4, upper r5, both a row further afterwards; plane r6. */
#define EK_DSP_SPREAD(a02, a13, b02, b13)                                                          \
    "pkhbt r12, " a13 ", " b13 ", lsl #16\n pkhtb " b13 ", " b13 ", " a13 ", asr #16\n"            \
    "str r12, [r4, r6]\n str " b13 ", [r5, r6]\n"                                                  \
    "pkhbt r12, " a02 ", " b02 ", lsl #16\n pkhtb " b02 ", " b02 ", " a02 ", asr #16\n"            \
    "str r12, [r4], #4\n str " b02 ", [r5], #4\n"
#define EK_DSP_TWO_COLUMNS(row)                                                                    \
    "ldr r8, [" row "]\n ldr r9, [" row ", r3]\n add " row ", " row ", r3, lsl #1\n"               \
    "sxtb16 r10, r8\n sxtb16 r8, r8, ror #8\n sxtb16 r11, r9\n sxtb16 r9, r9, ror #8\n"           \
    EK_DSP_SPREAD("r10", "r8", "r11", "r9")
#define EK_DSP_SECOND_COLUMN(row)                                                                  \
    "ldr r9, [" row "]\n add " row ", " row ", r3\n sxtb16 r11, r9\n sxtb16 r9, r9, ror #8\n"     \
    EK_DSP_SPREAD("r8", "r8", "r11", "r9")
#define EK_DSP_FIRST_COLUMN(row)                                                                   \
    "ldr r9, [" row "]\n sxtb16 r10, r9\n sxtb16 r9, r9, ror #8\n mov r11, r8\n mov r7, r8\n"     \
    EK_DSP_SPREAD("r10", "r9", "r11", "r7")

/* Rows r0, r1, r2; the struct at lr. */
static __attribute__((naked, noinline)) void ek_dsp_widen_planes(
    __attribute__((unused)) const int8_t *const rows[3], __attribute__((unused)) int32_t channel,
    __attribute__((unused)) const ek_dsp_planes *to)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "mov lr, r2\n ldm r0, {r8-r10}\n add r0, r8, r1\n add r2, r10, r1\n add r1, r9, r1\n"
        "ldm lr, {r3-r7}\n ldrd r8, r9, [lr, #20]\n cmp r9, #0\n beq 1f\n"
        EK_DSP_SECOND_COLUMN("r0") EK_DSP_SECOND_COLUMN("r1") EK_DSP_SECOND_COLUMN("r2")
        "1: cmp r4, r7\n beq 3f\n"
        "2:\n" EK_DSP_TWO_COLUMNS("r0") EK_DSP_TWO_COLUMNS("r1") EK_DSP_TWO_COLUMNS("r2")
        "cmp r4, r7\n bne 2b\n"
        "3: ldr r9, [lr, #28]\n cmp r9, #0\n beq 4f\n ldr r8, [lr, #20]\n"
        EK_DSP_FIRST_COLUMN("r0") EK_DSP_FIRST_COLUMN("r1") EK_DSP_FIRST_COLUMN("r2")
        "4: pop {r4-r11, pc}\n");
}

#else

static void ek_dsp_widen_planes(const int8_t *const rows[3], int32_t channel,
                                const ek_dsp_planes *to)
{
    int32_t words = (int32_t)(to->pairs_end - to->x) / 3 + to->right_edge, plane = to->plane / 4;
    for (int32_t i = 0; i < 3; i++) {
        int32_t column = -to->left_edge;
        for (int32_t word = 0; word < words; word++) {
            int right = word < words - to->right_edge;
            const int8_t *x = rows[i] + column * to->pixel + channel;
            uint32_t a = column >= 0 ? ek_load4(x) : 0, b = right ? ek_load4(x + to->pixel) : 0;
            uint32_t a02 = column >= 0 ? ek_even(a) : to->zero, b02 = right ? ek_even(b) : to->zero;
            uint32_t a13 = column >= 0 ? ek_odd(a) : to->zero, b13 = right ? ek_odd(b) : to->zero;
            to->x[3 * word + i] = ek_lower(a02, b02);
            to->x[3 * word + i + plane] = ek_lower(a13, b13);
            to->upper[3 * word + i] = ek_upper(a02, b02);
            to->upper[3 * word + i + plane] = ek_upper(a13, b13);
            column += 2;
        }
    }
}

#endif

#endif
