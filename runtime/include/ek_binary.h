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

/* A window that lies inside the input as words that follow one another, copied where they do not; NULL
 * for any other. */
static const uint32_t *whole_window(const EK_PARAMS *p, const ek_rows *input, const place *at,
                                    uint32_t *copy)
{
    int32_t words = words_of(p->in_c);
    uint32_t *to = copy;
    if (at->rows.end - at->rows.begin < p->kernel_h ||
        at->columns.end - at->columns.begin < p->kernel_w) {
        return NULL;
    }
    if (p->kernel_h == 1 && (p->kernel_w == 1 || p->dilation_w == 1)) {
        return bits_of(input, at->top) + at->left * words;
    }
    for (int32_t i = 0; i < p->kernel_h; i++) {
        const uint32_t *x = bits_of(input, at->top + i * p->dilation_h) + at->left * words;
        for (int32_t j = 0; j < p->kernel_w; j++) {
            for (int32_t k = 0; k < words; k++) {
                *to++ = x[k];
            }
            x += p->dilation_w * words;
        }
    }
    return copy;
}

/* The sum of products of an output channel at the border. */
static int32_t border_product(const EK_PARAMS *p, const ek_rows *input, const place *at,
                              int32_t channel)
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

/* The same anywhere; `window` is what `whole_window` gave. */
static inline int32_t product(const EK_PARAMS *p, const ek_rows *input, const place *at,
                              const uint32_t *window, int32_t channel)
{
    int32_t taps = p->kernel_h * p->kernel_w, words = taps * words_of(p->in_c);
    if (window == NULL) {
        return border_product(p, input, at, channel);
    }
    return taps * p->in_c -
           2 * ek_differing(window, (const uint32_t *)p->weights + channel * words, words);
}

#endif
