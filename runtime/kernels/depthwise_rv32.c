/* depthwise_rv32.c -- depthwise convolution, int8, for RISC-V (RV32IM): four channels at a time */
#include "ek_depthwise_rv32.h"
#define EK_PARAMS ek_depthwise_rv32_params
#include "ek_depthwise_taps.h"
#include "ek_rv32.h"

EK_RV32_LOOP void four_channels(const ek_depthwise_rv32_params *p, const window *at,
                                const int8_t *x, int32_t channel, int8_t *out)
{
    const int32_t *scale = p->scales + EK_RV32_SCALE * channel;
    const int8_t *weights = p->weights + channel;
    int32_t s0 = scale[0], s1 = scale[4], s2 = scale[8], s3 = scale[12], zero = p->input_zero;
    int32_t low = p->out_min, high = p->out_max;
    const tap *t = at->taps, *edge = t + at->inside, *end = t + at->all;
    for (; t < edge; t++) {
        const int8_t *a = x + t->x, *w = weights + t->w;
        s0 += a[0] * w[0];
        s1 += a[1] * w[1];
        s2 += a[2] * w[2];
        s3 += a[3] * w[3];
    }
    for (; t < end; t++) {
        const int8_t *w = weights + t->w;
        s0 += zero * w[0];
        s1 += zero * w[1];
        s2 += zero * w[2];
        s3 += zero * w[3];
    }
    out[0] = EK_RV32_OUTPUT(s0, scale, low, high);
    out[1] = EK_RV32_OUTPUT(s1, scale + EK_RV32_SCALE, low, high);
    out[2] = EK_RV32_OUTPUT(s2, scale + 2 * EK_RV32_SCALE, low, high);
    out[3] = EK_RV32_OUTPUT(s3, scale + 3 * EK_RV32_SCALE, low, high);
}

/* Last channels that are no four are computed together with those before them, again. */
static void pixel(const ek_depthwise_rv32_params *p, const window *at, const int8_t *x, int8_t *out)
{
    for (int32_t c = 0; c < p->in_c; c += 4) {
        int32_t channel = c + 4 <= p->in_c ? c : p->in_c - 4;
        four_channels(p, at, at->inside > 0 ? x + channel : x, channel, out + channel);
    }
}

void ek_depthwise_s8_rv32(const ek_depthwise_rv32_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    walk(p, input, output, first, n, scratch);
}
