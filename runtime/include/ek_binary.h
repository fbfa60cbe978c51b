/* ek_binary.h -- products of signs, an output at a time; included by the kernels' files, which name the
 * params (EK_PARAMS) */
#ifndef EK_BINARY_H
#define EK_BINARY_H

#include "ek_binary_window.h"
#include "ek_bits.h"

/* Where a window lies: its taps inside the input, and where its first one would be. */
typedef struct {
    ek_taps rows;
    ek_taps columns;
    int32_t top;
    int32_t left;
} place;

static place place_of(const EK_PARAMS *p, int32_t y, int32_t x)
{
    place at;
    at.top = y * p->stride_h - p->pad_top;
    at.left = x * p->stride_w - p->pad_left;
    at.rows = taps_inside(at.top, p->kernel_h, p->dilation_h, p->in_h);
    at.columns = taps_inside(at.left, p->kernel_w, p->dilation_w, p->in_w);
    return at;
}

/* The sum of products of an output channel. */
static int32_t product(const EK_PARAMS *p, const ek_rows *input, const place *at, int32_t channel)
{
    int32_t words = words_of(p->in_c), columns = at->columns.end - at->columns.begin;
    int32_t taps = (at->rows.end - at->rows.begin) * columns * p->in_c, differing = 0;
    for (int32_t i = at->rows.begin; i < at->rows.end; i++) {
        const uint32_t *x = bits_of(input, at->top + i * p->dilation_h);
        const uint32_t *w = (const uint32_t *)p->weights;
        x += (at->left + at->columns.begin * p->dilation_w) * words;
        w += ((channel * p->kernel_h + i) * p->kernel_w + at->columns.begin) * words;
        if (p->dilation_w == 1) {
            differing += ek_differing(x, w, columns * words);
            continue;
        }
        for (int32_t j = 0; j < columns; j++) {
            differing += ek_differing(x + j * p->dilation_w * words, w + j * words, words);
        }
    }
    return taps - 2 * differing;
}

#endif
