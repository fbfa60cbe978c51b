/* depthwise.c -- depthwise convolution, int8; semantics in edgekit/ops/depthwise.py */
#include "ek_depthwise.h"
#define EK_PARAMS ek_depthwise_params
#include "ek_depthwise_taps.h"
#include "ek_store.h"

/* Four neighbouring channels share the walk over the taps; their sums stay in registers. */
static void four_channels(const ek_depthwise_params *p, const window *at, const int8_t *x,
                          int32_t channel, int8_t *out)
{
    const int8_t *weights = p->weights + channel;
    const int32_t *bias = p->bias + channel;
    int32_t s0 = bias[0], s1 = bias[1], s2 = bias[2], s3 = bias[3];
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
        s0 += p->input_zero * w[0];
        s1 += p->input_zero * w[1];
        s2 += p->input_zero * w[2];
        s3 += p->input_zero * w[3];
    }
    int32_t sum[4] = {s0, s1, s2, s3};
    EK_STORE(p, sum, 4, channel, out);
}

static void one_output(const ek_depthwise_params *p, const window *at, const int8_t *x,
                       int32_t output, int8_t *out)
{
    const int8_t *w = p->weights + output;
    int32_t sum = p->bias[output];
    const tap *t = at->taps, *edge = t + at->inside, *end = t + at->all;
    for (; t < edge; t++) {
        sum += x[t->x] * w[t->w];
    }
    for (; t < end; t++) {
        sum += p->input_zero * w[t->w];
    }
    EK_STORE(p, &sum, 1, output, out);
}

static void pixel(const ek_depthwise_params *p, const window *at, const int8_t *x, int8_t *out)
{
    int32_t channel = 0;
    for (; p->multiplier_c == 1 && channel + 4 <= p->in_c; channel += 4) {
        four_channels(p, at, x + channel, channel, out + channel);
    }
    for (; channel < p->in_c; channel++) {
        int32_t end = (channel + 1) * p->multiplier_c;
        for (int32_t o = channel * p->multiplier_c; o < end; o++) {
            one_output(p, at, x + channel, o, out + o);
        }
    }
}

void ek_depthwise_s8(const ek_depthwise_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    walk(p, input, output, first, n, scratch);
}
