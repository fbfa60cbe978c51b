/* conv2d.c -- 2-D convolution, int8, per-channel; semantics in edgekit/ops/conv2d.py */
#include "ek_conv2d.h"
#include "ek_dot.h"
#include "ek_fixed.h"

static int8_t rescale(const ek_conv2d_params *p, int32_t sum, int32_t channel)
{
    int32_t v = ek_requantize(sum, p->multiplier[channel], p->shift[channel]) + p->output_zero;
    return (int8_t)ek_clamp(v, p->out_min, p->out_max);
}

/* All channels of two pixels from their patches. A lone pixel or channel is given twice: the
 * same bytes are then computed and stored twice, which costs less than code for the ends. */
static void two_pixels(const ek_conv2d_params *p, const int8_t *x0, const int8_t *x1, int32_t k,
                       int8_t *out0, int8_t *out1)
{
    const int8_t *w = p->weights;
    for (int32_t c = 0; c < p->out_c; c += 2) {
        int32_t d = c + 1 < p->out_c ? c + 1 : c;
        int32_t sum[4] = {p->bias[c], p->bias[d], p->bias[c], p->bias[d]};
        ek_dot_2x2(x0, x1, w, w + (d - c) * k, k, sum);
        out0[c] = rescale(p, sum[0], c);
        out0[d] = rescale(p, sum[1], d);
        out1[c] = rescale(p, sum[2], c);
        out1[d] = rescale(p, sum[3], d);
        w += 2 * k;
    }
}

static int8_t *fill(int8_t *to, int32_t bytes, int8_t value)
{
    for (int32_t i = 0; i < bytes; i++) {
        to[i] = value;
    }
    return to + bytes;
}

static int8_t *copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    for (; bytes >= 4; bytes -= 4) {
        to[0] = from[0];
        to[1] = from[1];
        to[2] = from[2];
        to[3] = from[3];
        to += 4;
        from += 4;
    }
    for (; bytes > 0; bytes--) {
        *to++ = *from++;
    }
    return to;
}

/* The taps of one window, [kernel_h][kernel_w][in_c], with the zero point outside the input. */
static void gather(const ek_conv2d_params *p, const ek_rows *input, int32_t y, int32_t x,
                   int8_t *to)
{
    int8_t zero = (int8_t)p->input_zero;
    int32_t left = x * p->stride_w - p->pad_left;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t row = y * p->stride_h - p->pad_top + i * p->dilation_h;
        if (row < 0 || row >= p->in_h) {
            to = fill(to, p->kernel_w * p->in_c, zero);
            continue;
        }
        const int8_t *from = ek_row(input, row);
        if (p->dilation_w == 1 && left >= 0 && left + p->kernel_w <= p->in_w) {
            to = copy(to, from + left * p->in_c, p->kernel_w * p->in_c);
            continue;
        }
        for (int32_t j = 0; j < p->kernel_w; j++) {
            int32_t column = left + j * p->dilation_w;
            to = column < 0 || column >= p->in_w ? fill(to, p->in_c, zero)
                                                 : copy(to, from + column * p->in_c, p->in_c);
        }
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
        two_pixels(p, x, x, p->in_c, out, out);
    }
}

static void gathered_row(const ek_conv2d_params *p, const ek_rows *input, int32_t y, int8_t *out,
                         int8_t *patch)
{
    int32_t k = p->kernel_h * p->kernel_w * p->in_c;
    for (int32_t x = 0; x < p->out_w; x += 2) {
        int32_t second = x + 1 < p->out_w ? 1 : 0;
        gather(p, input, y, x, patch);
        if (second) {
            gather(p, input, y, x + 1, patch + k);
        }
        two_pixels(p, patch, patch + second * k, k, out, out + second * p->out_c);
        out += 2 * p->out_c;
    }
}

void ek_conv2d_s8(const ek_conv2d_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int pointwise = p->kernel_h == 1 && p->kernel_w == 1 && p->pad_top == 0 && p->pad_left == 0 &&
                    (p->out_w - 1) * p->stride_w < p->in_w && (p->out_h - 1) * p->stride_h < p->in_h;
    int one_run = pointwise && p->stride_h == 1 && p->stride_w == 1 && p->out_w == p->in_w &&
                  input->row_bytes == p->in_w * p->in_c && output->row_bytes == p->out_w * p->out_c;
    if (one_run) {
        direct(p, ek_row(input, first), p->in_c, ek_row(output, first), n * p->out_w);
        return;
    }
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        if (pointwise) {
            direct(p, ek_row(input, y * p->stride_h), p->stride_w * p->in_c, out, p->out_w);
        } else {
            gathered_row(p, input, y, out, (int8_t *)scratch);
        }
    }
}
