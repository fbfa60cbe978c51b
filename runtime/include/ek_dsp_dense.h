/* ek_dsp_dense.h -- a vector against four rows of weights, with DSP; included by the kernels' files,
 * which name the params (EK_PARAMS) and say whether two channels share lanes (EK_MIXED) */
#ifndef EK_DSP_DENSE_H
#define EK_DSP_DENSE_H

#include "ek_dsp.h"

/* What a call of the inner loop is given. The vector's whole words go from x to end, a multiple of
 * four of them to mid; part: what is left, filled up with 0, where has_part says so. Groups of four
 * channels, as edgekit/isa/dsp.py makes them, go to groups_end. */
typedef struct {
    const int8_t *x;
    const int8_t *mid;
    const int8_t *end;
    uint32_t part;
    int32_t has_part;
    const int32_t *w;
    const int32_t *groups;
    const int32_t *groups_end;
    int8_t *out;
} ek_dsp_dense_call;

#if defined(__ARM_FEATURE_DSP)

#if EK_MIXED
#define EK_DSP_DENSE_SPLIT "sub r1, r1, r0\n sub r3, r3, r2\n asr r1, r1, #7\n asr r3, r3, #7\n"
#define EK_DSP_DENSE_PAIR(x, w, low, high)                                                         \
    "sxtb16 r12, " w "\n smlad " high ", " x ", " w ", " high "\n"                                 \
    "smlad " low ", " x ", r12, " low "\n"
#else
#define EK_DSP_DENSE_SPLIT "lsl r1, r1, #1\n lsl r3, r3, #1\n"
#define EK_DSP_DENSE_PAIR(x, w, low, high)                                                         \
    "sxtb16 r12, " w "\n sxtb16 " w ", " w ", ror #8\n"                                            \
    "smlad " high ", " x ", " w ", " high "\n smlad " low ", " x ", r12, " low "\n"
#endif

/* Four values in r11; sums r0-r3, low and high or mixed of two pairs; weights at r5. */
#define EK_DSP_DENSE_FOUR                                                                          \
    "ldm r5!, {r6-r9}\n sxtb16 r10, r11\n sxtb16 r11, r11, ror #8\n"                               \
    EK_DSP_DENSE_PAIR("r10", "r6", "r0", "r1") EK_DSP_DENSE_PAIR("r11", "r7", "r0", "r1")          \
    EK_DSP_DENSE_PAIR("r10", "r8", "r2", "r3") EK_DSP_DENSE_PAIR("r11", "r9", "r2", "r3")
#define EK_DSP_DENSE_STEP "ldr r11, [r4], #4\n" EK_DSP_DENSE_FOUR
/* As ek_dsp_rescale; scales at r10, outputs at lr. */
#define EK_DSP_DENSE_OUT(sum)                                                                      \
    "ldm r10!, {r6-r8}\n smmlar r12, " sum ", r6, r7\n cmp r8, #0\n beq 9f\n"                      \
    "add r12, r12, " sum ", asr #31\n asr r12, r12, r8\n"                                          \
    "9: ssat r12, #8, r12\n strb r12, [lr], #1\n"

/* On the stack: the call's address; r5 goes on through the weights. */
static __attribute__((naked, noinline)) void
ek_dsp_dense(__attribute__((unused)) ek_dsp_dense_call *call)
{
    __asm__ volatile(
        "push {r0, r4-r11, lr}\n"
        "ldr r5, [r0, #20]\n"
        "1: ldr r12, [sp]\n ldm r12, {r4, r11}\n ldr lr, [r12, #8]\n ldr r10, [r12, #24]\n"
        "ldm r10!, {r0-r3}\n str r10, [r12, #24]\n"
        "push {lr}\n mov lr, r11\n cmp r4, lr\n beq 3f\n"
        "2: .rept 4\n" EK_DSP_DENSE_STEP ".endr\n"
        "cmp r4, lr\n bne 2b\n"
        "3: pop {lr}\n cmp r4, lr\n beq 5f\n"
        "4:\n" EK_DSP_DENSE_STEP "cmp r4, lr\n bne 4b\n"
        "5: ldr r12, [sp]\n ldrd r11, r10, [r12, #12]\n cmp r10, #0\n beq 6f\n" EK_DSP_DENSE_FOUR
        "6: ldr r12, [sp]\n ldr r10, [r12, #24]\n ldr lr, [r12, #32]\n"
        EK_DSP_DENSE_SPLIT "lsl r0, r0, #1\n lsl r2, r2, #1\n"
        EK_DSP_DENSE_OUT("r0") EK_DSP_DENSE_OUT("r1") EK_DSP_DENSE_OUT("r2") EK_DSP_DENSE_OUT("r3")
        "ldr r12, [sp]\n str r10, [r12, #24]\n str lr, [r12, #32]\n"
        "ldr r11, [r12, #28]\n cmp r10, r11\n bne 1b\n"
        "pop {r0, r4-r11, pc}\n");
}

#else

/* Four values of the vector with four channels; w: words (0, 2), (1, 3) of each pair. */
static void ek_dsp_dense_four(uint32_t x, const int32_t *w, int32_t sums[4])
{
    for (int32_t pair = 0; pair < 4; pair += 2) {
        uint32_t even = (uint32_t)w[pair], odd = (uint32_t)w[pair + 1];
        sums[pair] = ek_smlad(ek_odd(x), ek_even(odd), ek_smlad(ek_even(x), ek_even(even), sums[pair]));
        sums[pair + 1] = ek_smlad(ek_even(x), EK_MIXED ? even : ek_odd(even), sums[pair + 1]);
        sums[pair + 1] = ek_smlad(ek_odd(x), EK_MIXED ? odd : ek_odd(odd), sums[pair + 1]);
    }
}

static void ek_dsp_dense(ek_dsp_dense_call *c)
{
    for (const int32_t *w = c->w, *group = c->groups; group != c->groups_end; group += 16) {
        int32_t sums[4] = {group[0], group[1], group[2], group[3]};
        for (const int8_t *x = c->x; x != c->end; x += 4) {
            ek_dsp_dense_four(ek_load4(x), w, sums);
            w += 4;
        }
        if (c->has_part) {
            ek_dsp_dense_four(c->part, w, sums);
            w += 4;
        }
        for (int32_t i = 0; i < 4; i++) {
            uint32_t mixed = i & 1 ? (uint32_t)sums[i] - (uint32_t)sums[i - 1] : 0;
            int32_t twice = EK_MIXED && (i & 1) ? (int32_t)mixed >> 7 : 2 * sums[i];
            const int32_t *scale = group + 4 + 3 * i;
            *c->out++ = (int8_t)ek_dsp_rescale(twice, scale[0], scale[1], scale[2]);
        }
    }
}

#endif

/* One vector. Last channels that are no four are computed together with those before them, again. */
static void dense(const EK_PARAMS *p, const int8_t *x, int8_t *out)
{
    int32_t part = p->in_c & 3, groups = p->out_c / 4;
    const int8_t *end = x + p->in_c - part;
    int8_t few[4];
    ek_dsp_dense_call c = {x, x + (p->in_c & ~15), end, 0, part, p->weights, p->groups, 0, out};
    for (int32_t i = 0; i < part; i++) {
        c.part |= (uint32_t)(uint8_t)end[i] << 8 * i;
    }
    c.groups_end = p->groups + 16 * groups;
    if (groups > 0) {
        ek_dsp_dense(&c);
    }
    if (p->out_c & 3) {
        int32_t row = (p->in_c + 3) / 4 * 4;
        c.w = p->weights + groups * row;
        c.groups = p->groups + 16 * groups;
        c.groups_end = c.groups + 16;
        c.out = groups > 0 ? out + p->out_c - 4 : few;
        ek_dsp_dense(&c);
        for (int32_t i = 0; groups == 0 && i < p->out_c; i++) {
            out[i] = few[i];
        }
    }
    ek_dsp_clamp(out, p->out_c, p->out_min, p->out_max);
}

#endif
