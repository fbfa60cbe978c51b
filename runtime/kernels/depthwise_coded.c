/* depthwise_coded.c -- depthwise convolution, int8, weights from a stream of bits; semantics in
 * edgekit/ops/depthwise_coded.py
 *
 * The weights of a tile of channels are decoded, then serve all pixels of the call. */
#include "ek_depthwise_coded.h"
#define EK_PARAMS ek_depthwise_coded_params
#define EK_CODED
#define EK_TAP_BYTES(p) ((p)->tile + 3)
#include "ek_code.h"
#include "ek_depthwise_taps.h"
#include "ek_store.h"

/* Four neighbouring channels share the walk over the taps; their sums stay in registers. */
static void four_channels(const ek_depthwise_coded_params *p, const window *at, const int8_t *x,
                          int32_t channel, int8_t *out)
{
    const int8_t *weights = at->weights + channel - at->first;
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

static void one_output(const ek_depthwise_coded_params *p, const window *at, const int8_t *x,
                       int32_t channel, int8_t *out)
{
    const int8_t *w = at->weights + channel - at->first;
    int32_t sum = p->bias[channel];
    const tap *t = at->taps, *edge = t + at->inside, *end = t + at->all;
    for (; t < edge; t++) {
        sum += x[t->x] * w[t->w];
    }
    for (; t < end; t++) {
        sum += p->input_zero * w[t->w];
    }
    EK_STORE(p, &sum, 1, channel, out);
}

static void pixel(const ek_depthwise_coded_params *p, const window *at, const int8_t *x, int8_t *out)
{
    int32_t channel = at->first;
    for (; channel + 4 <= at->end; channel += 4) {
        four_channels(p, at, x + channel, channel, out + channel);
    }
    for (; channel < at->end; channel++) {
        one_output(p, at, x + channel, channel, out + channel);
    }
}

void ek_depthwise_coded_s8(const ek_depthwise_coded_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t taps = p->kernel_h * p->kernel_w, bytes = (taps + 3) & ~3;
    int8_t *row = (int8_t *)scratch + 8 * taps + (2 << p->window), *w = row + bytes;
    ek_code code = ek_code_begin(p, (uint16_t *)(void *)(scratch + 8 * taps));
    window at = {(tap *)(void *)scratch, 0, taps, w, 0, 0};
    for (; at.first < p->in_c; at.first = at.end) {
        int32_t rest = p->in_c - at.first;
        at.end = at.first + (rest <= p->tile + 3 ? rest : p->tile);
        for (int32_t c = 0; c < at.end - at.first; c++) {
            if (p->sparse) {
                ek_code_clear(row, bytes);
            }
            ek_code_row(p, &code, row, row + taps);
            for (int32_t i = 0; i < taps; i++) {
                w[i * EK_TAP_BYTES(p) + c] = row[i];
            }
        }
        walk_tile(p, input, output, first, n, &at);
    }
}
