/* conv2d_w4.c -- 2-D convolution, int8, weights of four bits; semantics in edgekit/ops/conv2d_w4.py */
#include "ek_conv2d_w4.h"
#define EK_PARAMS ek_conv2d_w4_params
#include "ek_conv2d_window.h"
#include "ek_nibbles.h"
#include "ek_store.h"

/* All channels of two pixels from their windows of k taps. */
static void two_pixels(const ek_conv2d_w4_params *p, const int8_t *x0, const int8_t *x1, int32_t k,
                       int8_t *out)
{
    const int8_t *w = p->weights;
    for (int32_t c = 0; c < p->out_c; c += 2) {
        int32_t n = c + 1 < p->out_c ? 2 : 1;
        int32_t b0 = p->bias[c], b1 = p->bias[c + n - 1];
        int32_t sum[4] = {b0, b1, b0, b1};
        ek_nibbles_2x2(x0, x1, w, k, sum);
        EK_STORE(p, sum, n, c, out + c);
        EK_STORE(p, sum + 2, n, c, out + p->out_c + c);
        w += k;
    }
}

/* All channels of a lone pixel. */
static void one_pixel(const ek_conv2d_w4_params *p, const int8_t *x, int32_t k, int8_t *out)
{
    int32_t c = 0;
    for (; c + 4 <= p->out_c; c += 4) {
        int32_t sum[4] = {p->bias[c], p->bias[c + 1], p->bias[c + 2], p->bias[c + 3]};
        ek_nibbles_1x4(x, p->weights + c / 2 * k, k, k, sum);
        EK_STORE(p, sum, 4, c, out + c);
    }
    for (; c < p->out_c; c += 2) {
        int32_t n = c + 1 < p->out_c ? 2 : 1;
        int32_t sum[2] = {p->bias[c], p->bias[c + n - 1]};
        ek_nibbles_1x2(x, p->weights + c / 2 * k, k, sum);
        EK_STORE(p, sum, n, c, out + c);
    }
}

/* Where the window of pixel x is: in the input, or gathered at `patch`. */
static const int8_t *window(const ek_conv2d_w4_params *p, const ek_rows *input, int32_t y, int32_t x,
                            int32_t direct, int8_t *patch)
{
    if (direct) {
        return ek_row(input, y * p->stride_h) + x * p->stride_w * p->in_c;
    }
    gather(p, input, y, x, patch);
    return patch;
}

void ek_conv2d_w4_s8(const ek_conv2d_w4_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int8_t *patch = (int8_t *)scratch;
    int32_t k = p->kernel_h * p->kernel_w * p->in_c, direct = pointwise(p);
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x += 2) {
            const int8_t *x0 = window(p, input, y, x, direct, patch);
            if (x + 1 < p->out_w) {
                two_pixels(p, x0, window(p, input, y, x + 1, direct, patch + k), k, out);
            } else {
                one_pixel(p, x0, k, out);
            }
            out += 2 * p->out_c;
        }
    }
}
