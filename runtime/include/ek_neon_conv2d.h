/* ek_neon_conv2d.h -- 2-D convolution with NEON; included by the kernels' files, which name the params
 * (EK_PARAMS) and include the products (ek_neon_four, ek_neon_one)
 *
 * Four pixels are made at once. Their windows are put together as rows of taps, of 8 at least; a 1x1
 * window reads the input where it is. */
#ifndef EK_NEON_CONV2D_H
#define EK_NEON_CONV2D_H

#include <stddef.h>

#include "ek_rows.h"

/* What all rows of a call share; patch: room for the windows of four pixels. */
typedef struct {
    const EK_PARAMS *p;
    const ek_rows *input;
    ek_neon_matrix matrix;
    int8_t *patch;
} ek_neon_conv;

/* A row of a window, [kernel_w][in_c], with the zero point outside the input. */
static int8_t *gather_row(const EK_PARAMS *p, const int8_t *row, int32_t left, int8_t *to)
{
    int8_t zero = (int8_t)p->input_zero;
    if (p->dilation_w == 1) {
        int32_t before = left < 0 ? -left : 0, end = p->in_w - left;
        before = before < p->kernel_w ? before : p->kernel_w;
        end = end < p->kernel_w ? (end > before ? end : before) : p->kernel_w;
        to = ek_neon_fill(to, before * p->in_c, zero);
        to = ek_neon_copy(to, row + (left + before) * p->in_c, (end - before) * p->in_c);
        return ek_neon_fill(to, (p->kernel_w - end) * p->in_c, zero);
    }
    for (int32_t j = 0; j < p->kernel_w; j++) {
        int32_t x = left + j * p->dilation_w;
        to = x < 0 || x >= p->in_w ? ek_neon_fill(to, p->in_c, zero)
                                   : ek_neon_copy(to, row + x * p->in_c, p->in_c);
    }
    return to;
}

/* The windows of `pixels` pixels from column x on. */
static void gather(const ek_neon_conv *c, int32_t y, int32_t x, int32_t pixels)
{
    const EK_PARAMS *p = c->p;
    int32_t bytes = p->kernel_w * p->in_c, left = x * p->stride_w - p->pad_left;
    int32_t last = left + (pixels - 1) * p->stride_w;
    int whole = p->dilation_w == 1 && left >= 0 && last + p->kernel_w <= p->in_w;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t row = y * p->stride_h - p->pad_top + i * p->dilation_h;
        const int8_t *from = row < 0 || row >= p->in_h ? NULL : ek_row(c->input, row);
        int8_t *to = c->patch + i * bytes;
        for (int32_t n = 0; n < pixels; n++) {
            int32_t at = left + n * p->stride_w;
            if (from == NULL) {
                ek_neon_fill(to, bytes, (int8_t)p->input_zero);
            } else if (whole) {
                ek_neon_copy(to, from + at * p->in_c, bytes);
            } else {
                gather_row(p, from, at, to);
            }
            to += c->matrix.k;
        }
    }
}

static void gathered_row(const ek_neon_conv *c, int32_t y, int8_t *out)
{
    int32_t x = 0;
    for (; x + 4 <= c->p->out_w; x += 4) {
        gather(c, y, x, 4);
        ek_neon_four(&c->matrix, c->patch, c->matrix.k, out);
        out += 4 * c->p->out_c;
    }
    for (; x < c->p->out_w; x++) {
        gather(c, y, x, 1);
        ek_neon_one(&c->matrix, c->patch, out);
        out += c->p->out_c;
    }
}

/* A run of pixels whose windows are pixels of the input, `step` bytes from one to the next. */
static void direct(const ek_neon_conv *c, const int8_t *x, int32_t step, int8_t *out, int32_t pixels)
{
    for (; pixels >= 4; pixels -= 4) {
        ek_neon_four(&c->matrix, x, step, out);
        x += 4 * step;
        out += 4 * c->p->out_c;
    }
    for (; pixels > 0; pixels--) {
        ek_neon_one(&c->matrix, x, out);
        x += step;
        out += c->p->out_c;
    }
}

static void convolve(const EK_PARAMS *p, const ek_rows *input, const ek_rows *output, int32_t first,
                     int32_t n, uint8_t *scratch)
{
    int32_t k = p->kernel_h * p->kernel_w * p->in_c;
    ek_neon_conv c = {p,
                      input,
                      {p->weights, p->scales, k < 8 ? 8 : k, p->out_c,
                       ek_neon_output(p->output_zero, p->out_min, p->out_max)},
                      (int8_t *)scratch};
    int inside = (p->out_w - 1) * p->stride_w < p->in_w && (p->out_h - 1) * p->stride_h < p->in_h;
    int pointwise = k >= 8 && p->kernel_h == 1 && p->kernel_w == 1 && p->pad_top == 0 &&
                    p->pad_left == 0 && inside;
    if (pointwise && p->stride_h == 1 && p->stride_w == 1 && p->out_w == p->in_w &&
        ek_one_run(input, p->in_w * p->in_c) && ek_one_run(output, p->out_w * p->out_c)) {
        direct(&c, ek_row(input, first), p->in_c, ek_row(output, first), n * p->out_w);
        return;
    }
    for (int32_t y = first; y < first + n; y++) {
        if (pointwise) {
            direct(&c, ek_row(input, y * p->stride_h), p->stride_w * p->in_c, ek_row(output, y),
                   p->out_w);
        } else {
            gathered_row(&c, y, ek_row(output, y));
        }
    }
}

#endif
