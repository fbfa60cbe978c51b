/* conv2d.c -- 2-D convolution, int8, per-channel; semantics in edgekit/ops/conv2d.py */
#include "ek_conv2d.h"
#define EK_PARAMS ek_conv2d_params
#include "ek_conv2d_window.h"
#include "ek_dot.h"
#include "ek_fixed.h"
#include "ek_store.h"

/* One channel of two pixels: what belongs to the channel is loaded once. */
static void store(const ek_conv2d_params *p, int32_t channel, const int32_t sum[2], int8_t *out0,
                  int8_t *out1)
{
    int32_t multiplier = p->multiplier[channel], shift = p->shift[channel];
    int32_t v0 = ek_requantize(sum[0], multiplier, shift) + p->output_zero;
    int32_t v1 = ek_requantize(sum[1], multiplier, shift) + p->output_zero;
    out0[channel] = (int8_t)ek_clamp(v0, p->out_min, p->out_max);
    out1[channel] = (int8_t)ek_clamp(v1, p->out_min, p->out_max);
}

/* All channels of two pixels from their patches, two at a time. A lone channel is given twice:
 * computing the same bytes twice costs less than code for the end. */
static void two_pixels(const ek_conv2d_params *p, const int8_t *x0, const int8_t *x1, int32_t k,
                       int8_t *out0, int8_t *out1)
{
    const int8_t *w = p->weights;
    for (int32_t c = 0; c < p->out_c; c += 2) {
        int32_t d = c + 1 < p->out_c ? c + 1 : c;
        int32_t sum[4] = {p->bias[c], p->bias[c], p->bias[d], p->bias[d]};
        ek_dot_2x2(x0, x1, w, w + (d - c) * k, k, sum);
        store(p, c, sum, out0, out1);
        store(p, d, sum + 2, out0, out1);
        w += 2 * k;
    }
}

/* All channels of a lone pixel, four at a time: every row of a stream may end in one. */
static void one_pixel(const ek_conv2d_params *p, const int8_t *x, int32_t k, int8_t *out)
{
    int32_t c = 0;
    for (; c + 4 <= p->out_c; c += 4) {
        int32_t sum[4] = {p->bias[c], p->bias[c + 1], p->bias[c + 2], p->bias[c + 3]};
        ek_dot_1x4(x, p->weights + c * k, k, k, sum);
        EK_STORE(p, sum, 4, c, out + c);
    }
    for (; c < p->out_c; c++) {
        const int8_t *w = p->weights + c * k;
        int32_t sum = p->bias[c];
        for (int32_t i = 0; i < k; i++) {
            sum += x[i] * w[i];
        }
        EK_STORE(p, &sum, 1, c, out + c);
    }
}

/* A run of pixels whose patch is a pixel of the input, `step` bytes from one to the next. */
static void direct(const ek_conv2d_params *p, const int8_t *x, int32_t step, int8_t *out,
                   int32_t pixels)
{
    for (; pixels >= 2; pixels -= 2) {
        two_pixels(p, x, x + step, p->in_c, out, out + p->out_c);
        x += 2 * step;
        out += 2 * p->out_c;
    }
    if (pixels > 0) {
        one_pixel(p, x, p->in_c, out);
    }
}

/* The same for rows apart: the last pixel of an odd row is paired with the first of the next row. */
static void direct_rows(const ek_conv2d_params *p, const ek_rows *input, const ek_rows *output,
                        int32_t first, int32_t n)
{
    int32_t step = p->stride_w * p->in_c, left = p->out_w & 1;
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *x = ek_row(input, y * p->stride_h);
        int8_t *out = ek_row(output, y);
        if (left == 0 || y + 1 == first + n) {
            direct(p, x, step, out, p->out_w);
            continue;
        }
        direct(p, x, step, out, p->out_w - 1);
        int32_t last = p->out_w - 1;
        y++;
        int8_t *next = ek_row(output, y);
        const int8_t *below = ek_row(input, y * p->stride_h);
        two_pixels(p, x + last * step, below, p->in_c, out + last * p->out_c, next);
        direct(p, below + step, step, next + p->out_c, last);
    }
}

static void gathered_row(const ek_conv2d_params *p, const ek_rows *input, int32_t y, int8_t *out,
                         int8_t *patch)
{
    int32_t k = p->kernel_h * p->kernel_w * p->in_c;
    for (int32_t x = 0; x < p->out_w; x += 2) {
        gather(p, input, y, x, patch);
        if (x + 1 == p->out_w) {
            one_pixel(p, patch, k, out);
            return;
        }
        gather(p, input, y, x + 1, patch + k);
        two_pixels(p, patch, patch + k, k, out, out + p->out_c);
        out += 2 * p->out_c;
    }
}

void ek_conv2d_s8(const ek_conv2d_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int direct_input = pointwise(p);
    int one_run = direct_input && p->stride_h == 1 && p->stride_w == 1 && p->out_w == p->in_w &&
                  ek_one_run(input, p->in_w * p->in_c) && ek_one_run(output, p->out_w * p->out_c);
    if (one_run) {
        direct(p, ek_row(input, first), p->in_c, ek_row(output, first), n * p->out_w);
        return;
    }
    if (direct_input) {
        direct_rows(p, input, output, first, n);
        return;
    }
    for (int32_t y = first; y < first + n; y++) {
        gathered_row(p, input, y, ek_row(output, y), (int8_t *)scratch);
    }
}
