/* conv2d_coded.c -- 2-D convolution, int8, weights from a stream of bits; semantics in
 * edgekit/ops/conv2d_coded.py
 *
 * The weights of a tile of channels are decoded, then serve all pixels of the call. */
#include "ek_conv2d_coded.h"
#define EK_PARAMS ek_conv2d_coded_params
#include "ek_code.h"
#include "ek_conv2d_window.h"
#include "ek_dot.h"
#include "ek_store.h"

/* Channels first..first+n-1, whose weights of k taps stand decoded at w. */
typedef struct {
    const int8_t *w;
    int32_t k;
    int32_t first;
    int32_t n;
} tile;

static void two_pixels(const ek_conv2d_coded_params *p, const tile *t, const int8_t *x0,
                       const int8_t *x1, int8_t *out)
{
    for (int32_t i = 0; i < t->n; i += 2) {
        int32_t c = t->first + i, d = i + 1 < t->n, m = d + 1;
        const int8_t *w = t->w + i * t->k;
        int32_t sum[4] = {p->bias[c], p->bias[c], p->bias[c + d], p->bias[c + d]};
        ek_dot_2x2(x0, x1, w, w + d * t->k, t->k, sum);
        int32_t first[2] = {sum[0], sum[2]}, second[2] = {sum[1], sum[3]};
        EK_STORE(p, first, m, c, out + c);
        EK_STORE(p, second, m, c, out + p->out_c + c);
    }
}

static void one_pixel(const ek_conv2d_coded_params *p, const tile *t, const int8_t *x, int8_t *out)
{
    int32_t i = 0;
    for (; i + 4 <= t->n; i += 4) {
        int32_t c = t->first + i;
        int32_t sum[4] = {p->bias[c], p->bias[c + 1], p->bias[c + 2], p->bias[c + 3]};
        ek_dot_1x4(x, t->w + i * t->k, t->k, t->k, sum);
        EK_STORE(p, sum, 4, c, out + c);
    }
    for (; i < t->n; i++) {
        const int8_t *w = t->w + i * t->k;
        int32_t c = t->first + i, sum = p->bias[c];
        for (int32_t j = 0; j < t->k; j++) {
            sum += x[j] * w[j];
        }
        EK_STORE(p, &sum, 1, c, out + c);
    }
}

/* Where the window of pixel x is: in the input, or gathered at `patch`. */
static const int8_t *window(const ek_conv2d_coded_params *p, const ek_rows *input, int32_t y,
                            int32_t x, int32_t direct, int8_t *patch)
{
    if (direct) {
        return ek_row(input, y * p->stride_h) + x * p->stride_w * p->in_c;
    }
    gather(p, input, y, x, patch);
    return patch;
}

static void row_of(const ek_conv2d_coded_params *p, const tile *t, const ek_rows *input, int32_t y,
                   int32_t direct, int8_t *patch, int8_t *out)
{
    for (int32_t x = 0; x < p->out_w; x += 2) {
        const int8_t *x0 = window(p, input, y, x, direct, patch);
        if (x + 1 < p->out_w) {
            two_pixels(p, t, x0, window(p, input, y, x + 1, direct, patch + t->k), out);
        } else {
            one_pixel(p, t, x0, out);
        }
        out += 2 * p->out_c;
    }
}

void ek_conv2d_coded_s8(const ek_conv2d_coded_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t k = p->kernel_h * p->kernel_w * p->in_c, direct = pointwise(p);
    int8_t *w = (int8_t *)scratch + (2 << p->window);
    int8_t *patch = w + (((p->tile + 1) * k + 3) & ~3);
    ek_code code = ek_code_begin(p, (uint16_t *)(void *)scratch);
    for (int32_t c = 0, m; c < p->out_c; c += m) {
        m = p->out_c - c <= p->tile + 1 ? p->out_c - c : p->tile;
        if (p->sparse) {
            ek_code_clear(w, m * k);
        }
        for (int32_t i = 0; i < m; i++) {
            ek_code_row(p, &code, w + i * k, w + (i + 1) * k);
        }
        tile t = {w, k, c, m};
        for (int32_t y = first; y < first + n; y++) {
            row_of(p, &t, input, y, direct, patch, ek_row(output, y));
        }
    }
}
