/* fully_connected_v6m.c -- dense layer, int8, for Armv6-M; semantics in edgekit/ops/fully_connected.py
 *
 * Weights are stored plus 128, so that they can be loaded as unsigned bytes at constant offsets. */
#include "ek_fully_connected_v6m.h"
#include "ek_v6m_dense.h"
#include "ek_v6m_outputs.h"

typedef ek_fully_connected_v6m_params params;

/* Eight channels; whole: how many values of x are whole eights; few: the rest, filled up with 0;
 * excess: what the shifted weights add to every sum. */
static void eight_channels(const params *p, const int8_t *x, int32_t whole, const int8_t few[8],
                           int32_t excess, const uint8_t *w, int32_t channel, int8_t *out)
{
    int32_t e = -excess, sums[8] = {e, e, e, e, e, e, e, e};
    if (whole > 0) {
        ek_v6m_dense8(x, x + whole, w, sums);
    }
    if (p->in_c > whole) {
        ek_v6m_dense8(few, few + 8, w + 8 * whole, sums);
    }
    ek_v6m_outputs(sums, sums + 8, p->scales + 4 * channel, out + channel, p->out_min, p->out_max);
}

void ek_fully_connected_s8_v6m(const ek_fully_connected_v6m_params *p, const int8_t *input, int8_t *output)
{
    int32_t group = 8 * ((p->in_c + 7) & ~7);
    for (int32_t b = 0; b < p->batch; b++) {
        int8_t few[8];
        int32_t excess = 0, whole = p->in_c & ~7;
        for (const int8_t *x = input; x < input + whole; x += 4) {
            excess += x[0] + x[1] + x[2] + x[3];
        }
        for (int32_t i = whole; i != whole + 8 && whole < p->in_c; i++) {
            few[i - whole] = (int8_t)(i < p->in_c ? input[i] : 0);
            excess += few[i - whole];
        }
        const uint8_t *w = p->weights;
        /* Last channels that are no eight are computed together with those before them, again. */
        for (int32_t c = 0; c < p->out_c; c += 8) {
            int32_t channel = c + 8 <= p->out_c ? c : p->out_c - 8;
            eight_channels(p, input, whole, few, 128 * excess, w, channel, output);
            w += group;
        }
        input += p->in_c;
        output += p->out_c;
    }
}
