/* fully_connected.c -- dense layer, int8; semantics in edgekit/ops/fully_connected.py */
#include "ek_dot.h"
#include "ek_fixed.h"
#include "ek_fully_connected.h"

static int8_t rescale(const ek_fully_connected_params *p, int32_t sum, int32_t channel)
{
    int32_t v = ek_requantize(sum, p->multiplier[channel], p->shift[channel]) + p->output_zero;
    return (int8_t)ek_clamp(v, p->out_min, p->out_max);
}

/* Four outputs at a time share the loads of the input. */
static void four_rows(const ek_fully_connected_params *p, const int8_t *x, int32_t c, int8_t *out)
{
    int32_t k = p->in_c;
    int32_t sum[4] = {p->bias[c], p->bias[c + 1], p->bias[c + 2], p->bias[c + 3]};
    ek_dot_1x4(x, p->weights + c * k, k, k, sum);
    for (int32_t i = 0; i < 4; i++) {
        out[c + i] = rescale(p, sum[i], c + i);
    }
}

static int8_t one_row(const ek_fully_connected_params *p, const int8_t *x, int32_t c)
{
    const int8_t *w = p->weights + c * p->in_c;
    int32_t sum = p->bias[c];
    for (int32_t i = 0; i < p->in_c; i++) {
        sum += x[i] * w[i];
    }
    return rescale(p, sum, c);
}

void ek_fully_connected_s8(const ek_fully_connected_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t b = 0; b < p->batch; b++) {
        int32_t c = 0;
        for (; c + 4 <= p->out_c; c += 4) {
            four_rows(p, input, c, output);
        }
        for (; c < p->out_c; c++) {
            output[c] = one_row(p, input, c);
        }
        input += p->in_c;
        output += p->out_c;
    }
}
