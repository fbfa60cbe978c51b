/* ek_neon_conv2d.h -- 2-D convolution with NEON; included by the kernels' files, which name the params
 * (EK_PARAMS) and include the products (ek_neon_four, ek_neon_one)
 *
 * The input rows of a row of windows are copied side by side, [column][kernel_h][in_c], so that every
 * window is a run of taps, and neighbouring windows share columns. Where little would be shared each
 * window has taps of its own. A 1x1 window reads the input where it is. */
#ifndef EK_NEON_CONV2D_H
#define EK_NEON_CONV2D_H

#include "ek_neon_columns.h"
#include "ek_rows.h"

/* What all rows of a call share. strip: room for the columns; zeros: a cell of the zero point. */
typedef struct {
    const EK_PARAMS *p;
    const ek_rows *input;
    ek_neon_matrix matrix;
    int8_t *zeros;
    int8_t *strip;
} ek_neon_conv;

/* A run of pixels whose windows are `step` bytes apart. */
static void multiply(const ek_neon_matrix *m, const int8_t *x, int32_t step, int8_t *out,
                     int32_t pixels)
{
    for (; pixels >= 4; pixels -= 4) {
        ek_neon_four(m, x, step, out);
        x += 4 * step;
        out += 4 * m->channels;
    }
    for (; pixels > 0; pixels--) {
        ek_neon_one(m, x, out);
        x += step;
        out += m->channels;
    }
}

/* Columns first, first + step, .. of row i of the windows, to cells `pitch` apart; the zero point
 * where the input has none. */
static void spread(const ek_neon_conv *c, int32_t row, int32_t first, int32_t step, int32_t count,
                   int8_t *to, int32_t pitch)
{
    const EK_PARAMS *p = c->p;
    int32_t before = first < 0 ? (-first + step - 1) / step : 0;
    int32_t end = p->in_w > first ? (p->in_w - first + step - 1) / step : 0;
    if (row < 0 || row >= p->in_h || before >= end) {
        ek_neon_columns(to, pitch, c->zeros, 0, p->in_c, count);
        return;
    }
    end = end < count ? end : count;
    before = before < end ? before : end;
    const int8_t *from = ek_row(c->input, row) + (first + before * step) * p->in_c;
    ek_neon_columns(to, pitch, c->zeros, 0, p->in_c, before);
    ek_neon_columns(to + before * pitch, pitch, from, step * p->in_c, p->in_c, end - before);
    ek_neon_columns(to + end * pitch, pitch, c->zeros, 0, p->in_c, count - end);
}

/* How windows are laid out: columns shared by neighbours, [kernel_w][kernel_h][in_c]; the same for
 * each window, whose taps are not neighbours; or rows for each window, [kernel_h][kernel_w][in_c]. */
#define EK_NEON_SHARED 0
#define EK_NEON_COLUMNS 1
#define EK_NEON_ROWS 2

/* Row i of the windows of an output row, which is row `row` of the input. */
static void lay_out(const ek_neon_conv *c, int32_t row, int32_t i)
{
    const EK_PARAMS *p = c->p;
    int32_t columns = (p->out_w - 1) * p->stride_w + p->kernel_w;
    int32_t high = p->kernel_h * p->in_c, wide = p->kernel_w * p->in_c;
    int8_t *to = c->strip + i * p->in_c;
    if (p->layout == EK_NEON_SHARED) {
        spread(c, row, -p->pad_left, 1, columns, to, high);
    } else if (p->layout == EK_NEON_ROWS) {
        int8_t *line = c->zeros + p->in_c;
        spread(c, row, -p->pad_left, 1, columns, line, p->in_c);
        ek_neon_columns(c->strip + i * wide, p->kernel_h * wide, line, p->stride_w * p->in_c, wide,
                        p->out_w);
    } else {
        for (int32_t j = 0; j < p->kernel_w; j++) {
            spread(c, row, j * p->dilation_w - p->pad_left, p->stride_w, p->out_w, to + j * high,
                   p->kernel_w * high);
        }
    }
}

static void window_row(const ek_neon_conv *c, int32_t y, int8_t *out)
{
    const EK_PARAMS *p = c->p;
    int32_t apart = p->layout == EK_NEON_SHARED ? p->stride_w : p->kernel_w;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        lay_out(c, y * p->stride_h - p->pad_top + i * p->dilation_h, i);
    }
    multiply(&c->matrix, c->strip, apart * p->kernel_h * p->in_c, out, p->out_w);
}

static void convolve(const EK_PARAMS *p, const ek_rows *input, const ek_rows *output, int32_t first,
                     int32_t n, uint8_t *scratch)
{
    int32_t k = p->kernel_h * p->kernel_w * p->in_c;
    ek_neon_conv c = {p,
                      input,
                      {p->weights, p->scales, k < 8 ? 8 : k, p->out_c, p->rescaling,
                       ek_neon_output(p->output_zero, p->out_min, p->out_max)},
                      (int8_t *)scratch,
                      (int8_t *)scratch + p->windows};
    int covered = (p->out_w - 1) * p->stride_w < p->in_w && (p->out_h - 1) * p->stride_h < p->in_h;
    if (k < 8 || p->kernel_h * p->kernel_w > 1 || p->pad_top + p->pad_left > 0 || !covered) {
        ek_neon_fill(c.zeros, p->in_c, (int8_t)p->input_zero);
        for (int32_t y = first; y < first + n; y++) {
            window_row(&c, y, ek_row(output, y));
        }
        return;
    }
    if (p->stride_h == 1 && p->stride_w == 1 && p->out_w == p->in_w &&
        ek_one_run(input, p->in_w * p->in_c) && ek_one_run(output, p->out_w * p->out_c)) {
        multiply(&c.matrix, ek_row(input, first), p->in_c, ek_row(output, first), n * p->out_w);
        return;
    }
    for (int32_t y = first; y < first + n; y++) {
        multiply(&c.matrix, ek_row(input, y * p->stride_h), p->stride_w * p->in_c,
                 ek_row(output, y), p->out_w);
    }
}

#endif
