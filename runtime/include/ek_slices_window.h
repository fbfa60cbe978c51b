/* ek_slices_window.h -- windows over maps of bits as masks, and counts of 32 channels; included by the
 * kernels' files, which name the params (EK_PARAMS)
 *
 * The masks of a column, [kernel_h][words][32], serve all windows that reach it: columns have their
 * places in a ring as long as a window is wide. */
#ifndef EK_SLICES_WINDOW_H
#define EK_SLICES_WINDOW_H

#include "ek_binary_window.h"
#include "ek_slices.h"

typedef struct {
    uint32_t *masks;
    int32_t ring;  /* columns that have a place */
    int32_t words; /* of a column */
    int32_t next;  /* the first column without masks */
    ek_taps rows;
    int32_t top;
} columns;

static columns columns_of(const EK_PARAMS *p, int32_t y, uint8_t *scratch)
{
    columns c;
    c.masks = (uint32_t *)(void *)scratch;
    c.ring = (p->kernel_w - 1) * p->dilation_w + 1;
    c.words = p->kernel_h * words_of(p->in_c);
    c.next = 0;
    c.top = y * p->stride_h - p->pad_top;
    c.rows = taps_inside(c.top, p->kernel_h, p->dilation_h, p->in_h);
    return c;
}

static uint32_t *masks_of(const columns *c, int32_t column)
{
    return c->masks + column % c->ring * c->words * 32;
}

/* Masks for the columns from `left` on that a window reaches. */
static void reach(const EK_PARAMS *p, const ek_rows *input, columns *c, int32_t left)
{
    int32_t words = words_of(p->in_c), end = left + c->ring < p->in_w ? left + c->ring : p->in_w;
    for (c->next = left > c->next ? left : c->next; c->next < end; c->next++) {
        for (int32_t i = c->rows.begin; i < c->rows.end; i++) {
            const uint32_t *x = bits_of(input, c->top + i * p->dilation_h) + c->next * words;
            uint32_t *to = masks_of(c, c->next) + i * words * 32;
            for (int32_t k = 0; k < words; k++) {
                ek_slices_masks(x[k], to + 32 * k);
            }
        }
    }
}

/* Differing bits of 32 channels; taps outside the input count one half. */
static void count(const EK_PARAMS *p, const columns *c, int32_t left, int32_t group,
                  uint32_t slices[EK_SLICES])
{
    int32_t words = words_of(p->in_c), rows = c->rows.end - c->rows.begin;
    ek_taps inside = taps_inside(left, p->kernel_w, p->dilation_w, p->in_w);
    int32_t missing = p->kernel_h * p->kernel_w - rows * (inside.end - inside.begin);
    uint32_t half = (uint32_t)(missing * p->in_c) / 2;
    for (int32_t k = 0; k < EK_SLICES; k++) {
        slices[k] = 0u - ((half >> k) & 1u);
    }
    if (rows == 0) {
        return;
    }
    const uint32_t *w = (const uint32_t *)p->weights;
    w += (group * p->kernel_w * c->words + c->rows.begin * words) * 32;
    for (int32_t j = inside.begin; j < inside.end; j++) {
        const uint32_t *x = masks_of(c, left + j * p->dilation_w);
        ek_slices_add(x + c->rows.begin * words * 32, w + j * c->words * 32, rows * words, slices);
    }
}

#endif
