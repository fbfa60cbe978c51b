/* fully_connected_w4_dsp.c -- dense layer, int8, weights of four bits, with DSP; four channels at a time
 * share the loads of the input. Sums come times sixteen, see ek_dsp_nibbles.h */
#include "ek_dsp_nibbles.h"
#include "ek_fixed.h"
#include "ek_fully_connected_w4_dsp.h"

/* Four taps of the two channels of a word: x0 has taps 0 and 2, x1 the others. */
static inline void multiply(uint32_t x0, uint32_t x1, uint32_t word, int32_t *low_sum, int32_t *high_sum)
{
    uint32_t low = EK_DSP_LOW(word), high = EK_DSP_HIGH(word);
    *low_sum = ek_smlad(x1, ek_odd(low), ek_smlad(x0, ek_even(low), *low_sum));
    *high_sum = ek_smlad(x1, ek_odd(high), ek_smlad(x0, ek_even(high), *high_sum));
}

/* The last taps, filled up with 0. */
static uint32_t part(const int8_t *x, int32_t n)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < n; i++) {
        word |= (uint32_t)(uint8_t)x[i] << 8 * i;
    }
    return word;
}

/* Four channels; w: their words, two for every four taps. */
static void four(const ek_fully_connected_w4_dsp_params *p, const int8_t *x, const int32_t *w,
                 const int32_t *group, int8_t *out)
{
    int32_t s0 = group[0], s1 = group[1], s2 = group[2], s3 = group[3], k = p->in_c;
    for (; k > 0; k -= 4) {
        uint32_t word = k >= 4 ? ek_load4(x) : part(x, k);
        uint32_t x0 = ek_even(word), x1 = ek_odd(word);
        multiply(x0, x1, (uint32_t)w[0], &s0, &s1);
        multiply(x0, x1, (uint32_t)w[1], &s2, &s3);
        x += 4;
        w += 2;
    }
    int32_t sum[4] = {s0, s1, s2, s3};
    for (int32_t i = 0; i < 4; i++) {
        int32_t v = ek_dsp_sixteenth(sum[i], group + 4 + 3 * i);
        out[i] = (int8_t)ek_clamp(v, p->out_min, p->out_max);
    }
}

void ek_fully_connected_w4_s8_dsp(const ek_fully_connected_w4_dsp_params *p, const int8_t *input, int8_t *output)
{
    int32_t words = 2 * ((p->in_c + 3) / 4), groups = (p->out_c + 3) / 4;
    for (int32_t b = 0; b < p->batch; b++) {
        for (int32_t g = 0; g < groups; g++) {
            /* Last channels that are no four are computed together with those before them, again. */
            int32_t first = 4 * g + 4 <= p->out_c ? 4 * g : p->out_c - 4;
            four(p, input, p->weights + g * words, p->groups + 16 * g, output + first);
        }
        input += p->in_c;
        output += p->out_c;
    }
}
