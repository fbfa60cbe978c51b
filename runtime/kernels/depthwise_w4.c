/* depthwise_w4.c -- depthwise convolution, int8, weights of four bits; semantics in
 * edgekit/ops/depthwise_w4.py */
#include "ek_depthwise_w4.h"
#define EK_PARAMS ek_depthwise_w4_params
#define EK_TAP_BYTES(p) (((p)->in_c * (p)->multiplier_c + 1) / 2)
#include "ek_depthwise_taps.h"
#include "ek_nibbles.h"
#include "ek_store.h"

/* Two neighbouring output channels, which read the input from x0 and x1 on; n: 1 for a last one alone. */
static void two_outputs(const ek_depthwise_w4_params *p, const window *at, const int8_t *x0,
                        const int8_t *x1, int32_t output, int32_t n, int8_t *out)
{
    const int8_t *weights = p->weights + output / 2;
    int32_t sum[2] = {p->bias[output], p->bias[output + n - 1]};
    const tap *t = at->taps, *edge = t + at->inside, *end = t + at->all;
    for (; t < edge; t++) {
        int32_t b = weights[t->w];
        sum[0] += x0[t->x] * ek_low(b);
        sum[1] += x1[t->x] * ek_high(b);
    }
    for (; t < end; t++) {
        int32_t b = weights[t->w];
        sum[0] += p->input_zero * ek_low(b);
        sum[1] += p->input_zero * ek_high(b);
    }
    EK_STORE(p, sum, n, output, out);
}

static void pixel(const ek_depthwise_w4_params *p, const window *at, const int8_t *x, int8_t *out)
{
    int32_t channels = p->in_c * p->multiplier_c;
    for (int32_t o = 0; o < channels; o += 2) {
        int32_t n = o + 1 < channels ? 2 : 1;
        const int8_t *x0 = x + (p->multiplier_c == 1 ? o : o / p->multiplier_c);
        const int8_t *x1 = x + (p->multiplier_c == 1 ? o + n - 1 : (o + n - 1) / p->multiplier_c);
        two_outputs(p, at, x0, x1, o, n, out + o);
    }
}

void ek_depthwise_w4_s8(const ek_depthwise_w4_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    walk(p, input, output, first, n, scratch);
}
