/* conv2d_nine.c -- 2-D convolution, int8, weights of nine bits; semantics in edgekit/ops/conv2d_nine.py */
#include "ek_conv2d_nine.h"
#define EK_PARAMS ek_conv2d_nine_params
#include "ek_conv2d_window.h"
#include "ek_dot.h"
#include "ek_store.h"

/* What 8 bits leave of the weights of channels below `end`, whose sums begin at `sum`; returns the
 * first entry of a later channel. */
static const int32_t *add_rest(const int32_t *rest, const int8_t *x, int32_t first, int32_t end,
                               int32_t *sum)
{
    for (; rest[0] < end; rest += 3) {
        sum[rest[0] - first] += x[rest[1]] * rest[2];
    }
    return rest;
}

/* All channels of one pixel from its window of k taps. */
static void pixel(const ek_conv2d_nine_params *p, const int8_t *x, int32_t k, int8_t *out)
{
    const int32_t *rest = p->rest;
    int32_t c = 0;
    for (; c + 4 <= p->out_c; c += 4) {
        int32_t sum[4] = {p->bias[c], p->bias[c + 1], p->bias[c + 2], p->bias[c + 3]};
        ek_dot_1x4(x, p->weights + c * k, k, k, sum);
        rest = add_rest(rest, x, c, c + 4, sum);
        EK_STORE(p, sum, 4, c, out + c);
    }
    for (; c < p->out_c; c++) {
        const int8_t *w = p->weights + c * k;
        int32_t sum = p->bias[c];
        for (int32_t i = 0; i < k; i++) {
            sum += x[i] * w[i];
        }
        rest = add_rest(rest, x, c, c + 1, &sum);
        EK_STORE(p, &sum, 1, c, out + c);
    }
}

void ek_conv2d_nine_s8(const ek_conv2d_nine_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int8_t *patch = (int8_t *)scratch;
    int32_t k = p->kernel_h * p->kernel_w * p->in_c, direct = pointwise(p);
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            if (direct) {
                pixel(p, ek_row(input, y * p->stride_h) + x * p->stride_w * p->in_c, k, out);
            } else {
                gather(p, input, y, x, patch);
                pixel(p, patch, k, out);
            }
            out += p->out_c;
        }
    }
}
