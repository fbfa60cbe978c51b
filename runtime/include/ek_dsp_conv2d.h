/* ek_dsp_conv2d.h -- 2-D convolution with DSP; included by the kernels' files, which name the params
 * (EK_PARAMS) and say whether two channels share lanes (EK_MIXED)
 *
 * Four pixels' windows are widened side by side, then multiplied with all channels, two at a time.
 * Lone pixels have code of their own. */
#ifndef EK_DSP_CONV2D_H
#define EK_DSP_CONV2D_H

#include "ek_dsp_tile.h"
#include "ek_dsp_widen.h"
#include "ek_fixed.h"

/* What all tiles of a call share. Columns and pixels are those of a row, or of all rows that a 1x1
 * window can take as one; row: bytes of a window's row, filled up to whole words (their weights are
 * 0); steps: words of a widened patch; x: room for four of them; zeros: a row outside the input, and
 * room for one that reaches over an edge. */
typedef struct {
    const EK_PARAMS *p;
    const ek_rows *input;
    int32_t columns;
    int32_t pixels;
    int32_t row;
    int32_t steps;
    uint32_t *x;
    int8_t *zeros;
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

/* The cells of one row of a window, those outside the input being its zero point. */
static void gather(const ek_dsp_conv *c, const int8_t *row, int32_t left, int8_t *to)
{
    const EK_PARAMS *p = c->p;
    int8_t zero = (int8_t)p->input_zero;
    if (p->dilation_w == 1) {
        int32_t before = left < 0 ? -left : 0, end = c->columns - left;
        int32_t whole = (end < p->kernel_w ? end : p->kernel_w) - before;
        to = ek_dsp_fill(to, before * p->in_c, zero);
        to = ek_dsp_copy(to, row + (left + before) * p->in_c, whole * p->in_c);
        ek_dsp_fill(to, (p->kernel_w - before - whole) * p->in_c, zero);
        return;
    }
    for (int32_t j = 0; j < p->kernel_w; j++) {
        int32_t x = left + j * p->dilation_w;
        to = x < 0 || x >= c->columns ? ek_dsp_fill(to, p->in_c, zero)
                                      : ek_dsp_copy(to, row + x * p->in_c, p->in_c);
    }
}

/* Whether the columns of `pixels` windows side by side can be read where they are. */
static int inside(const ek_dsp_conv *c, int32_t left, int32_t pixels)
{
    int32_t last = left + (pixels - 1) * c->p->stride_w;
    return c->p->dilation_w == 1 && left >= 0 &&
           last * c->p->in_c + c->row <= c->columns * c->p->in_c;
}

/* The windows of four pixels or one, from `left` on. */
static void widen(const ek_dsp_conv *c, int32_t top, int32_t left, int32_t pixels)
{
    const EK_PARAMS *p = c->p;
    int32_t pitch = p->stride_w * p->in_c, together = inside(c, left, pixels) ? pixels : 1;
    for (int32_t at = 0; at < pixels; at += together) {
        int32_t x = left + at * p->stride_w, direct = inside(c, x, together);
        uint32_t *to = c->x + at;
        for (int32_t i = 0; i < p->kernel_h; i++) {
            int32_t y = top + i * p->dilation_h, exists = y >= 0 && y < p->in_h;
            const int8_t *row = exists ? ek_row(c->input, y) : 0, *from = c->zeros;
            if (exists && direct) {
                from = row + x * p->in_c;
            } else if (exists) {
                from = c->zeros + c->row;
                gather(c, row, x, c->zeros + c->row);
            }
            to = together == 4 ? ek_dsp_widen4(to, from, exists ? pitch : 0, c->row)
                               : ek_dsp_widen(to, pixels, from, c->row);
        }
    }
}

static void convolve_row(const ek_dsp_conv *c, int32_t y, int8_t *out)
{
    const EK_PARAMS *p = c->p;
    int32_t top = y * p->stride_h - p->pad_top, left = -p->pad_left;
    if (top < 0 || top + (p->kernel_h - 1) * p->dilation_h >= p->in_h) {
        ek_dsp_fill(c->zeros, c->row, (int8_t)p->input_zero);
    }
    for (int32_t x = 0; x < c->pixels;) {
        int32_t n = x + 4 <= c->pixels ? 4 : 1;
        widen(c, top, left, n);
        multiply(c, out, n);
        left += n * p->stride_w;
        out += n * p->out_c;
        x += n;
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
    int32_t row = (p->kernel_w * p->in_c + 3) & ~3, end = first + n;
    ek_dsp_conv c = {p, input, p->in_w, p->out_w, row, p->kernel_h * row / 2,
                     (uint32_t *)(void *)scratch, (int8_t *)scratch + 8 * p->kernel_h * row};
    int one_run = p->kernel_h * p->kernel_w == 1 && p->stride_h * p->stride_w == 1 &&
                  p->pad_top + p->pad_left == 0 && p->out_w == p->in_w &&
                  ek_one_run(input, p->in_w * p->in_c) && ek_one_run(output, p->out_w * p->out_c);
    if (one_run) {
        c.columns *= n;
        c.pixels *= n;
        end = first + 1;
    }
    for (int32_t y = first; y < end; y++) {
        convolve_row(&c, y, ek_row(output, y));
        clamp(p, ek_row(output, y), c.pixels * p->out_c);
    }
}

#endif
