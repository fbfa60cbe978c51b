/* fully_connected_v6m.c -- dense layer, int8, for Armv6-M; semantics in edgekit/ops/fully_connected.py
 *
 * Weights are stored plus 128, so that they can be loaded as unsigned bytes at constant offsets. */
#include "ek_fully_connected_v6m.h"
#include "ek_v6m_dense.h"
#include "ek_v6m_rescale.h"

typedef ek_fully_connected_v6m_params params;

/* Eight channels; few: the last values of the vector, filled up with 0 to four; excess: what the
 * shifted weights add to every sum. */
static void eight_channels(const params *p, const int8_t *x, const int8_t few[4], int32_t excess,
                           const uint8_t *w, int32_t channel, int8_t *out)
{
    const int32_t *scale = p->scales + 4 * channel;
    int32_t sums[8], whole = p->in_c & ~3, low = p->out_min, high = p->out_max;
    for (int32_t i = 0; i < 8; i++) {
        sums[i] = *scale - excess;
        scale += 4;
    }
    scale -= 32;
    if (whole > 0) {
        ek_v6m_dense8(x, x + whole, w, sums);
    }
    if (p->in_c > whole) {
        ek_v6m_dense8(few, few + 4, w + 8 * whole, sums);
    }
    for (int32_t i = 0; i < 8; i++) {
        out[channel + i] = (int8_t)ek_clamp(ek_v6m_rescale(sums[i], scale), low, high);
        scale += 4;
    }
}

void ek_fully_connected_s8_v6m(const ek_fully_connected_v6m_params *p, const int8_t *input, int8_t *output)
{
    int32_t group = 8 * ((p->in_c + 3) & ~3);
    for (int32_t b = 0; b < p->batch; b++) {
        const int8_t *end = input + p->in_c;
        int8_t few[4] = {0, 0, 0, 0};
        int32_t excess = 0;
        for (const int8_t *x = input; x < end; x++) {
            excess += *x;
        }
        for (int32_t i = 0; i < (p->in_c & 3); i++) {
            few[i] = input[(p->in_c & ~3) + i];
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
