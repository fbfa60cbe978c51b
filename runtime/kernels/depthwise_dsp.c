/* depthwise_dsp.c -- depthwise convolution, int8, with DSP: four channels at a time, any window */
#include "ek_depthwise_dsp.h"
#define EK_PARAMS ek_depthwise_dsp_params
#include "ek_depthwise_taps.h"
#include "ek_dsp.h"

/* One tap of four channels, their sums in variables of their own so that they stay in registers. */
#define ADD_TAP(x, weights)                                                                        \
    do {                                                                                           \
        uint32_t a = (x), w = ek_load4(weights);                                                   \
        uint32_t a02 = ek_even(a), a13 = ek_odd(a), w02 = ek_even(w), w13 = ek_odd(w);             \
        s0 = ek_smlabb(a02, w02, s0);                                                              \
        s1 = ek_smlabb(a13, w13, s1);                                                              \
        s2 = ek_smlatt(a02, w02, s2);                                                              \
        s3 = ek_smlatt(a13, w13, s3);                                                              \
    } while (0)

static inline int8_t output(const int32_t *scale, int32_t sum)
{
    return (int8_t)ek_dsp_rescale(2 * sum, scale[1], scale[2], scale[3]);
}

static inline void four_channels(const ek_depthwise_dsp_params *p, const window *at,
                                 const int8_t *x, int32_t channel, int8_t *out)
{
    const int32_t *scale = p->scales + 4 * channel;
    const int8_t *weights = p->weights + channel;
    int32_t s0 = scale[0], s1 = scale[4], s2 = scale[8], s3 = scale[12];
    const tap *t = at->taps, *edge = t + at->inside, *end = t + at->all;
    for (; t < edge; t++) {
        ADD_TAP(ek_load4(x + t->x), weights + t->w);
    }
    if (t < end) {
        uint32_t zeros = (uint32_t)(uint8_t)p->input_zero * 0x01010101u;
        for (; t < end; t++) {
            ADD_TAP(zeros, weights + t->w);
        }
    }
    out[0] = output(scale, s0);
    out[1] = output(scale + 4, s1);
    out[2] = output(scale + 8, s2);
    out[3] = output(scale + 12, s3);
}

/* Last channels that are no four are computed together with those before them, again. */
static void pixel(const ek_depthwise_dsp_params *p, const window *at, const int8_t *x, int8_t *out)
{
    for (int32_t c = 0; c < p->in_c; c += 4) {
        int32_t channel = c + 4 <= p->in_c ? c : p->in_c - 4;
        four_channels(p, at, at->inside > 0 ? x + channel : x, channel, out + channel);
    }
}

void ek_depthwise_s8_dsp(const ek_depthwise_dsp_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    walk(p, input, output, first, n, scratch);
    for (int32_t y = first; y < first + n; y++) {
        ek_dsp_clamp(ek_row(output, y), p->out_w * p->in_c, p->out_min, p->out_max);
    }
}
