/* transpose_conv_w4.c -- transposed convolution, int8, weights of four bits; semantics in
 * edgekit/ops/transpose_conv_w4.py */
#include "ek_transpose_conv_w4.h"
#define EK_PARAMS ek_transpose_conv_w4_params
#include "ek_nibbles.h"
#include "ek_store.h"
#include "ek_transpose_window.h"

static void pixel(const ek_transpose_conv_w4_params *p, const int8_t *x, int32_t at,
                  const int32_t *bias, int32_t k, int8_t *out)
{
    const int8_t *w = p->weights + at * ((p->out_c + 1) / 2) * p->in_c;
    int32_t c = 0;
    for (; c + 4 <= p->out_c; c += 4) {
        int32_t sum[4] = {bias[c], bias[c + 1], bias[c + 2], bias[c + 3]};
        ek_nibbles_1x4(x, w + c / 2 * k, k, k, sum);
        EK_STORE(p, sum, 4, c, out + c);
    }
    for (; c < p->out_c; c += 2) {
        int32_t n = c + 1 < p->out_c ? 2 : 1;
        int32_t sum[2] = {bias[c], bias[c + n - 1]};
        ek_nibbles_1x2(x, w + c / 2 * k, k, sum);
        EK_STORE(p, sum, n, c, out + c);
    }
}

void ek_transpose_conv_w4_s8(const ek_transpose_conv_w4_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    walk(p, input, output, first, n, scratch);
}
