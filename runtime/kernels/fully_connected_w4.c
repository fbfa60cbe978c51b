/* fully_connected_w4.c -- dense layer, int8, weights of four bits; semantics in
 * edgekit/ops/fully_connected_w4.py */
#include "ek_fully_connected_w4.h"
#include "ek_nibbles.h"
#include "ek_store.h"

static void vector(const ek_fully_connected_w4_params *p, const int8_t *x, int8_t *out)
{
    int32_t c = 0;
    for (; c + 4 <= p->out_c; c += 4) {
        int32_t sum[4] = {p->bias[c], p->bias[c + 1], p->bias[c + 2], p->bias[c + 3]};
        ek_nibbles_1x4(x, p->weights + c / 2 * p->in_c, p->in_c, p->in_c, sum);
        EK_STORE(p, sum, 4, c, out + c);
    }
    for (; c < p->out_c; c += 2) {
        int32_t n = c + 1 < p->out_c ? 2 : 1;
        int32_t sum[2] = {p->bias[c], p->bias[c + n - 1]};
        ek_nibbles_1x2(x, p->weights + c / 2 * p->in_c, p->in_c, sum);
        EK_STORE(p, sum, n, c, out + c);
    }
}

void ek_fully_connected_w4_s8(const ek_fully_connected_w4_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t b = 0; b < p->batch; b++) {
        vector(p, input, output);
        input += p->in_c;
        output += p->out_c;
    }
}
