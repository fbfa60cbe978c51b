/* fully_connected.c -- dense layer, int8; semantics in edgekit/ops/fully_connected.py */
#include "ek_fixed.h"
#include "ek_fully_connected.h"

static int8_t rescale(const ek_fully_connected_params *p, int32_t sum, int32_t channel)
{
    int32_t v = ek_requantize(sum, p->multiplier[channel], p->shift[channel]) + p->output_zero;
    return (int8_t)ek_clamp(v, p->out_min, p->out_max);
}

/* One input element against four rows of weights. */
#define STEP(i)                                                                                    \
    do {                                                                                           \
        int32_t a = x[i];                                                                          \
        s0 += a * w0[i];                                                                           \
        s1 += a * w1[i];                                                                           \
        s2 += a * w2[i];                                                                           \
        s3 += a * w3[i];                                                                           \
    } while (0)

/* Four outputs at a time share the loads of the input. Sums and pointers fill the registers of a
 * Cortex-M exactly. */
static void four_rows(const ek_fully_connected_params *p, const int8_t *x, int32_t c, int8_t *out)
{
    int32_t k = p->in_c;
    const int8_t *w0 = p->weights + c * k, *w1 = w0 + k, *w2 = w1 + k, *w3 = w2 + k;
    int32_t s0 = p->bias[c], s1 = p->bias[c + 1], s2 = p->bias[c + 2], s3 = p->bias[c + 3];
    for (; k >= 8; k -= 8) {
        STEP(0);
        STEP(1);
        STEP(2);
        STEP(3);
        STEP(4);
        STEP(5);
        STEP(6);
        STEP(7);
        x += 8;
        w0 += 8;
        w1 += 8;
        w2 += 8;
        w3 += 8;
    }
    for (; k > 0; k--) {
        STEP(0);
        x++;
        w0++;
        w1++;
        w2++;
        w3++;
    }
    out[c] = rescale(p, s0, c);
    out[c + 1] = rescale(p, s1, c + 1);
    out[c + 2] = rescale(p, s2, c + 2);
    out[c + 3] = rescale(p, s3, c + 3);
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
