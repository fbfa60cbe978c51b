/* fully_connected_v6m.c -- dense layer, int8, for Armv6-M; semantics in edgekit/ops/fully_connected.py
 *
 * Weights are stored plus 128, so that they can be loaded as unsigned bytes at constant offsets. */
#include "ek_fixed.h"
#include "ek_fully_connected_v6m.h"
#include "ek_v6m_dense.h"

typedef ek_fully_connected_v6m_params params;

/* Eight channels; few: the last values of the vector, filled up with 0 to four; excess: what the
 * shifted weights add to every sum. */
static void eight_channels(const params *p, const int8_t *x, const int8_t few[4], int32_t excess,
                           const uint8_t *w, int32_t channel, int8_t *out)
{
    int32_t sums[8], whole = p->in_c & ~3;
    for (int32_t i = 0; i < 8; i++) {
        sums[i] = p->bias[channel + i] - excess;
    }
    if (whole > 0) {
        ek_v6m_dense8(x, x + whole, w, sums);
    }
    if (p->in_c > whole) {
        ek_v6m_dense8(few, few + 4, w + 8 * whole, sums);
    }
    for (int32_t i = 0; i < 8; i++) {
        int32_t v = ek_requantize(sums[i], p->multiplier[channel + i], p->shift[channel + i]);
        out[channel + i] = (int8_t)ek_clamp(v + p->output_zero, p->out_min, p->out_max);
    }
}

void ek_fully_connected_s8_v6m(const ek_fully_connected_v6m_params *p, const int8_t *input, int8_t *output)
{
    int32_t group = 8 * ((p->in_c + 3) & ~3);
    for (int32_t b = 0; b < p->batch; b++) {
        int8_t few[4] = {0, 0, 0, 0};
        int32_t excess = 0;
        for (int32_t i = 0; i < p->in_c; i++) {
            few[i & 3] = i < (p->in_c & ~3) ? 0 : input[i];
            excess += input[i];
        }
        const uint8_t *w = p->weights;
        /* Last channels that are no eight are computed together with those before them, again. */
        for (int32_t c = 0; c < p->out_c; c += 8) {
            int32_t channel = c + 8 <= p->out_c ? c : p->out_c - 8;
            eight_channels(p, input, few, 128 * excess, w, channel, output);
            w += group;
        }
        input += p->in_c;
        output += p->out_c;
    }
}
