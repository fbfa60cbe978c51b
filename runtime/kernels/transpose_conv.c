/* transpose_conv.c -- transposed convolution, int8; semantics in edgekit/ops/transpose_conv.py */
#include "ek_transpose_conv.h"
#define EK_PARAMS ek_transpose_conv_params
#include "ek_dot.h"
#include "ek_store.h"
#include "ek_transpose_window.h"

static void pixel(const ek_transpose_conv_params *p, const int8_t *x, int32_t at,
                  const int32_t *bias, int32_t k, int8_t *out)
{
    const int8_t *w = p->weights + at * p->out_c * p->in_c;
    int32_t c = 0;
    for (; c + 4 <= p->out_c; c += 4) {
        int32_t sum[4] = {bias[c], bias[c + 1], bias[c + 2], bias[c + 3]};
        ek_dot_1x4(x, w + c * k, k, k, sum);
        EK_STORE(p, sum, 4, c, out + c);
    }
    for (; c < p->out_c; c++) {
        int32_t sum = bias[c];
        for (int32_t i = 0; i < k; i++) {
            sum += x[i] * w[c * k + i];
        }
        EK_STORE(p, &sum, 1, c, out + c);
    }
}


void ek_transpose_conv_s8(const ek_transpose_conv_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    walk(p, input, output, first, n, scratch);
}
