/* ek_dsp_conv2d.h -- 2-D convolution with DSP; included by the kernels' files, which name the params
 * (EK_PARAMS) and say whether two channels share lanes (EK_MIXED)
 *
 * Four pixels' patches are widened side by side, then multiplied with all channels, two at a time.
 * Lone pixels have code of their own. Scratch: four widened patches, and one as bytes for windows
 * that reach over an edge. */
#ifndef EK_DSP_CONV2D_H
#define EK_DSP_CONV2D_H

#include "ek_dsp_tile.h"
#include "ek_dsp_widen.h"
#include "ek_fixed.h"

/* What all tiles of a call share. x: widened patches; steps: words of each; row: bytes of a window's
 * row. */
typedef struct {
    const EK_PARAMS *p;
    uint32_t *x;
    int32_t taps;
    int32_t steps;
    int32_t row;
} ek_dsp_conv;

/* All channels of four pixels or one, whose patches stand widened at c->x. An odd last channel is
 * computed together with the one before it, again. */
static void multiply(const ek_dsp_conv *c, int8_t *out, int32_t pixels)
{
    const EK_PARAMS *p = c->p;
    const uint32_t *end = c->x + pixels * c->steps, *mid = c->x + 4 * (c->steps & ~7);
    const int32_t *w = p->weights, *pair = p->pairs;
    int32_t pairs = p->out_c / 2;
    for (int32_t odd = 0; odd <= (p->out_c & 1); odd++) {
        if (pixels == 4) {
            ek_dsp_tile(c->x, end, w, pair, out, p->out_c, pair + 8 * pairs, mid);
        } else {
            ek_dsp_pixel(c->x, end, w, pair, pair + 8 * pairs, out);
        }
        w += pairs * c->steps;
        pair += 8 * pairs;
        pairs = 1;
        out += p->out_c - 2;
    }
}

/* A run of pixels whose patch is a pixel of the input, `pitch` bytes from one to the next. */
static void direct(const ek_dsp_conv *c, const int8_t *x, int32_t pitch, int8_t *out,
                   int32_t pixels)
{
    int32_t part = c->taps & 3, whole = c->taps - part;
    while (pixels > 0) {
        int32_t n = pixels >= 4 ? 4 : 1;
        uint32_t *to = n == 4 ? ek_dsp_widen4(c->x, x, pitch, whole) : ek_dsp_widen(c->x, 1, x, whole);
        for (int32_t i = 0; part && i < n; i++) {
            ek_dsp_widen_one(to + i, n, ek_load_part(x + i * pitch + whole, part));
        }
        multiply(c, out, n);
        x += n * pitch;
        out += n * c->p->out_c;
        pixels -= n;
    }
}

/* Where the rows of a window lie: in the input, or gathered one behind the other. */
typedef struct {
    const ek_rows *input;
    const int8_t *patch;
    int32_t top;
    int32_t left;
} ek_dsp_window;

static const int8_t *window_row(const ek_dsp_conv *c, const ek_dsp_window *at, int32_t i)
{
    const EK_PARAMS *p = c->p;
    return at->patch ? at->patch + i * c->row
                     : ek_row(at->input, at->top + i * p->dilation_h) + at->left * p->in_c;
}

/* The cells of one row of a window, those outside the input being its zero point. */
static void gather_row(const EK_PARAMS *p, const int8_t *row, int32_t left, int8_t *to)
{
    int8_t zero = (int8_t)p->input_zero;
    if (p->dilation_w == 1) {
        int32_t before = left < 0 ? -left : 0, end = p->in_w - left;
        int32_t whole = (end < p->kernel_w ? end : p->kernel_w) - before;
        to = ek_dsp_fill(to, before * p->in_c, zero);
        to = ek_dsp_copy(to, row + (left + before) * p->in_c, whole * p->in_c);
        ek_dsp_fill(to, (p->kernel_w - before - whole) * p->in_c, zero);
        return;
    }
    for (int32_t j = 0; j < p->kernel_w; j++) {
        int32_t x = left + j * p->dilation_w;
        to = x < 0 || x >= p->in_w ? ek_dsp_fill(to, p->in_c, zero)
                                   : ek_dsp_copy(to, row + x * p->in_c, p->in_c);
    }
}

static void gather(const ek_dsp_conv *c, const ek_dsp_window *at, int8_t *to)
{
    const EK_PARAMS *p = c->p;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t y = at->top + i * p->dilation_h;
        if (y < 0 || y >= p->in_h) {
            ek_dsp_fill(to, c->row, (int8_t)p->input_zero);
        } else {
            gather_row(p, ek_row(at->input, y), at->left, to);
        }
        to += c->row;
    }
}

/* Whether `pixels` windows side by side lie inside the input as they are. */
static int inside(const EK_PARAMS *p, const ek_dsp_window *at, int32_t pixels)
{
    int32_t last = at->left + (pixels - 1) * p->stride_w;
    return p->dilation_w == 1 && at->top >= 0 &&
           at->top + (p->kernel_h - 1) * p->dilation_h < p->in_h && at->left >= 0 &&
           last + p->kernel_w <= p->in_w;
}

/* What the rows of a window have beyond whole fours, behind those. */
static void widen_rest(const ek_dsp_conv *c, const ek_dsp_window *at, int32_t step, uint32_t *to)
{
    uint32_t word = 0;
    int32_t shift = 0, part = c->row & 3;
    for (int32_t i = 0; part && i < c->p->kernel_h; i++) {
        const int8_t *x = window_row(c, at, i) + c->row - part;
        for (int32_t j = 0; j < part; j++) {
            word |= (uint32_t)(uint8_t)x[j] << shift;
            shift += 8;
            if (shift == 32) {
                ek_dsp_widen_one(to, step, word);
                to += 2 * step;
                word = 0;
                shift = 0;
            }
        }
    }
    if (shift > 0) {
        ek_dsp_widen_one(to, step, word);
    }
}

static void widen_window(const ek_dsp_conv *c, ek_dsp_window at, int32_t step, uint32_t *to)
{
    if (!inside(c->p, &at, 1)) {
        int8_t *patch = (int8_t *)(c->x + 4 * c->steps);
        gather(c, &at, patch);
        at.patch = patch;
    }
    for (int32_t i = 0; i < c->p->kernel_h; i++) {
        to = ek_dsp_widen(to, step, window_row(c, &at, i), c->row);
    }
    widen_rest(c, &at, step, to);
}

static void widen_four_windows(const ek_dsp_conv *c, ek_dsp_window at)
{
    uint32_t *to = c->x;
    int32_t stride = c->p->stride_w;
    for (int32_t i = 0; i < c->p->kernel_h; i++) {
        to = ek_dsp_widen4(to, window_row(c, &at, i), stride * c->p->in_c, c->row);
    }
    for (int32_t i = 0; c->row & 3 && i < 4; i++) {
        widen_rest(c, &at, 4, to + i);
        at.left += stride;
    }
}

static void windows(const ek_dsp_conv *c, const ek_rows *input, int32_t y, int8_t *out)
{
    const EK_PARAMS *p = c->p;
    ek_dsp_window at = {input, 0, y * p->stride_h - p->pad_top, -p->pad_left};
    int32_t pixels = p->out_w;
    while (pixels > 0) {
        int32_t n = pixels >= 4 ? 4 : 1;
        if (n == 4 && inside(p, &at, 4)) {
            widen_four_windows(c, at);
            at.left += 4 * p->stride_w;
        } else {
            for (int32_t i = 0; i < n; i++) {
                widen_window(c, at, n, c->x + i);
                at.left += p->stride_w;
            }
        }
        multiply(c, out, n);
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
    ek_dsp_conv c = {p, (uint32_t *)(void *)scratch, taps, (taps + 3) / 4 * 2,
                     p->kernel_w * p->in_c};
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
