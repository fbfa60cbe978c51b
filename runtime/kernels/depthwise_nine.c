/* depthwise_nine.c -- depthwise convolution, int8, weights of nine bits; semantics in
 * edgekit/ops/depthwise_nine.py */
#include "ek_depthwise_nine.h"
#define EK_PARAMS ek_depthwise_nine_params
#include "ek_depthwise_taps.h"
#include "ek_store.h"

/* The input under the tap whose weights begin at `w`. */
static int32_t under(const ek_depthwise_nine_params *p, const window *at, const int8_t *x, int32_t w)
{
    int32_t i = 0;
    while (at->taps[i].w != w) {
        i++;
    }
    return i < at->inside ? x[at->taps[i].x] : p->input_zero;
}

static void pixel(const ek_depthwise_nine_params *p, const window *at, const int8_t *x, int8_t *out)
{
    int32_t channels = p->in_c * p->multiplier_c;
    const int32_t *rest = p->rest;
    for (int32_t o = 0; o < channels; o++) {
        const int8_t *from = x + o / p->multiplier_c, *w = p->weights + o;
        int32_t sum = p->bias[o];
        for (int32_t i = 0; i < at->all; i++) {
            const tap *t = at->taps + i;
            sum += (i < at->inside ? from[t->x] : p->input_zero) * w[t->w];
        }
        for (; rest[0] == o; rest += 3) {
            sum += under(p, at, from, rest[1] * channels) * rest[2];
        }
        EK_STORE(p, &sum, 1, o, out + o);
    }
}

void ek_depthwise_nine_s8(const ek_depthwise_nine_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    walk(p, input, output, first, n, scratch);
}
