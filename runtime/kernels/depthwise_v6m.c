/* depthwise_v6m.c -- depthwise convolution, int8, for Armv6-M; semantics in edgekit/ops/depthwise.py */
#include "ek_depthwise_v6m.h"
#define EK_PARAMS ek_depthwise_v6m_params
#include "ek_depthwise_taps.h"
#include "ek_v6m_outputs.h"
#include "ek_v6m_taps.h"

static void four_channels(const ek_depthwise_v6m_params *p, const window *at, const int8_t *x,
                          int32_t channel, int8_t *out)
{
    const int8_t *w = p->weights + channel;
    const tap *edge = at->taps + at->inside, *end = at->taps + at->all;
    int32_t sums[4];
    if (at->inside > 0) {
        ek_v6m_taps4(&at->taps->x, &edge->x, x + channel, w, sums);
    } else {
        sums[0] = sums[1] = sums[2] = sums[3] = 0;
    }
    for (const tap *t = edge; t < end; t++) {
        for (int32_t i = 0; i < 4; i++) {
            sums[i] += p->input_zero * w[t->w + i];
        }
    }
    ek_v6m_outputs(sums, sums + 4, p->scales + 4 * channel, out + channel, p->out_min, p->out_max);
}

/* Last channels that are no four are computed together with those before them, again. */
static void pixel(const ek_depthwise_v6m_params *p, const window *at, const int8_t *x, int8_t *out)
{
    for (int32_t c = 0; c < p->in_c; c += 4) {
        four_channels(p, at, x, c + 4 <= p->in_c ? c : p->in_c - 4, out);
    }
}

void ek_depthwise_s8_v6m(const ek_depthwise_v6m_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    walk(p, input, output, first, n, scratch);
}
