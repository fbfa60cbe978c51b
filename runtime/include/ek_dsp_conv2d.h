/* ek_dsp_conv2d.h -- 2-D convolution with DSP; included by the kernels' files, which name the params
 * (EK_PARAMS) and say whether two channels share lanes (EK_MIXED)
 *
 * Four pixels' patches are widened side by side, then multiplied with all channels, two at a time.
 * Lone pixels have code of their own. Scratch: four widened patches, and one as bytes for windows
 * that reach over an edge. */
#ifndef EK_DSP_CONV2D_H
#define EK_DSP_CONV2D_H

#include "ek_bytes.h"
#include "ek_dsp_tile.h"
#include "ek_dsp_widen.h"
#include "ek_fixed.h"

/* What all tiles of a call share. steps: words of weights of a pair. */
typedef struct {
    const EK_PARAMS *p;
    uint32_t *x;
    int32_t taps;
    int32_t steps;
} ek_dsp_conv;

/* An odd last channel is computed together with the one before it, again. */
static void four_pixels(const ek_dsp_conv *c, int8_t *out)
{
    const EK_PARAMS *p = c->p;
    int32_t pairs = p->out_c / 2;
    const uint32_t *end = c->x + 4 * c->steps, *mid = c->x + 4 * (c->steps & ~7);
    const int32_t *w = p->weights, *pair = p->pairs, *last = pair + 8 * pairs;
    ek_dsp_tile(c->x, end, w, pair, out, p->out_c, last, mid);
    if (p->out_c & 1) {
        w += pairs * c->steps;
        ek_dsp_tile(c->x, end, w, last, out + p->out_c - 2, p->out_c, last + 8, mid);
    }
}

static void one_pixel(const ek_dsp_conv *c, int8_t *out)
{
    const EK_PARAMS *p = c->p;
    int32_t pairs = p->out_c / 2;
    const uint32_t *end = c->x + c->steps;
    const int32_t *w = p->weights, *pair = p->pairs, *last = pair + 8 * pairs;
    ek_dsp_pixel(c->x, end, w, pair, last, out);
    if (p->out_c & 1) {
        w += pairs * c->steps;
        ek_dsp_pixel(c->x, end, w, last, last + 8, out + p->out_c - 2);
    }
}

/* A run of pixels whose patch is a pixel of the input, `pitch` bytes from one to the next. */
static void direct(const ek_dsp_conv *c, const int8_t *x, int32_t pitch, int8_t *out,
                   int32_t pixels)
{
    for (; pixels >= 4; pixels -= 4) {
        ek_dsp_widen4(c->x, x, pitch, c->taps);
        four_pixels(c, out);
        x += 4 * pitch;
        out += 4 * c->p->out_c;
    }
    for (; pixels > 0; pixels--) {
        ek_dsp_widen(c->x, 1, x, c->taps);
        one_pixel(c, out);
        x += pitch;
        out += c->p->out_c;
    }
}

/* The taps of one window, [kernel_h][kernel_w][in_c], with the zero point outside the input. */
static void gather(const EK_PARAMS *p, const ek_rows *input, int32_t top, int32_t left, int8_t *to)
{
    int8_t zero = (int8_t)p->input_zero;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t row = top + i * p->dilation_h;
        if (row < 0 || row >= p->in_h) {
            to = ek_fill(to, p->kernel_w * p->in_c, zero);
            continue;
        }
        const int8_t *from = ek_row(input, row);
        if (p->dilation_w == 1 && left >= 0 && left + p->kernel_w <= p->in_w) {
            to = ek_copy(to, from + left * p->in_c, p->kernel_w * p->in_c);
            continue;
        }
        for (int32_t j = 0; j < p->kernel_w; j++) {
            int32_t column = left + j * p->dilation_w;
            to = column < 0 || column >= p->in_w ? ek_fill(to, p->in_c, zero)
                                                 : ek_copy(to, from + column * p->in_c, p->in_c);
        }
    }
}

/* Whether `pixels` windows from `left` on lie inside the input and each of their rows is whole
 * words, so that they can be widened without being gathered. */
static int inside(const EK_PARAMS *p, int32_t top, int32_t left, int32_t pixels)
{
    int32_t last = left + (pixels - 1) * p->stride_w;
    return p->dilation_w == 1 && (p->kernel_w * p->in_c & 3) == 0 && top >= 0 &&
           top + (p->kernel_h - 1) * p->dilation_h < p->in_h && left >= 0 &&
           last + p->kernel_w <= p->in_w;
}

static void widen_windows(const ek_dsp_conv *c, const ek_rows *input, int32_t top, int32_t left,
                          int32_t pixels)
{
    const EK_PARAMS *p = c->p;
    uint32_t *to = c->x;
    if (!inside(p, top, left, pixels)) {
        int8_t *patch = (int8_t *)(c->x + 4 * c->steps);
        for (int32_t i = 0; i < pixels; i++) {
            gather(p, input, top, left + i * p->stride_w, patch);
            ek_dsp_widen(to + i, pixels, patch, c->taps);
        }
        return;
    }
    for (int32_t i = 0; i < p->kernel_h; i++) {
        const int8_t *x = ek_row(input, top + i * p->dilation_h) + left * p->in_c;
        int32_t n = p->kernel_w * p->in_c;
        to = pixels == 1 ? ek_dsp_widen(to, 1, x, n)
                         : ek_dsp_widen4(to, x, p->stride_w * p->in_c, n);
    }
}

static void windows(const ek_dsp_conv *c, const ek_rows *input, int32_t y, int8_t *out)
{
    const EK_PARAMS *p = c->p;
    int32_t top = y * p->stride_h - p->pad_top, left = -p->pad_left, pixels = p->out_w;
    while (pixels > 0) {
        int32_t n = pixels >= 4 ? 4 : 1;
        widen_windows(c, input, top, left, n);
        if (n == 4) {
            four_pixels(c, out);
        } else {
            one_pixel(c, out);
        }
        left += n * p->stride_w;
        out += n * p->out_c;
        pixels -= n;
    }
}

/* Tighter bounds than int8's own, which the instructions keep. */
static void clamp(const EK_PARAMS *p, int8_t *out, int32_t n)
{
    if (p->out_min > -128 || p->out_max < 127) {
        for (int32_t i = 0; i < n; i++) {
            out[i] = (int8_t)ek_clamp(out[i], p->out_min, p->out_max);
        }
    }
}

static void convolve(const EK_PARAMS *p, const ek_rows *input, const ek_rows *output,
                     int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t taps = p->kernel_h * p->kernel_w * p->in_c;
    ek_dsp_conv c = {p, (uint32_t *)(void *)scratch, taps, (taps + 3) / 4 * 2};
    int pointwise = p->kernel_h == 1 && p->kernel_w == 1 && p->pad_top == 0 && p->pad_left == 0 &&
                    (p->out_w - 1) * p->stride_w < p->in_w && (p->out_h - 1) * p->stride_h < p->in_h;
    int32_t row = p->out_w * p->out_c;
    int one_run = pointwise && p->stride_h == 1 && p->stride_w == 1 && p->out_w == p->in_w &&
                  input->row_bytes == p->in_w * p->in_c && output->row_bytes == row;
    if (one_run) {
        direct(&c, ek_row(input, first), p->in_c, ek_row(output, first), n * p->out_w);
        clamp(p, ek_row(output, first), n * row);
        return;
    }
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        if (pointwise) {
            direct(&c, ek_row(input, y * p->stride_h), p->stride_w * p->in_c, out, p->out_w);
        } else {
            windows(&c, input, y, out);
        }
        clamp(p, out, row);
    }
}

#endif
