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
    ek_slices_run *runs; /* the last one has no words */
    int32_t ring;        /* columns that have a place */
    int32_t words;       /* of a column */
    int32_t next;        /* the first column without masks */
    int32_t half;        /* of the taps outside the input */
    int32_t top;
    ek_taps rows;
} columns;

static columns columns_of(const EK_PARAMS *p, int32_t y, uint8_t *scratch)
{
    columns c;
    c.ring = (p->kernel_w - 1) * p->dilation_w + 1;
    c.words = p->kernel_h * words_of(p->in_c);
    c.masks = (uint32_t *)(void *)scratch;
    c.runs = (ek_slices_run *)(void *)(c.masks + c.ring * c.words * 32);
    c.next = 0;
    c.half = 0;
    c.top = y * p->stride_h - p->pad_top;
    c.rows = taps_inside(c.top, p->kernel_h, p->dilation_h, p->in_h);
    return c;
}

/* Masks for the columns from `left` on that a window reaches. */
static void reach(const EK_PARAMS *p, const ek_rows *input, columns *c, int32_t left)
{
    int32_t words = words_of(p->in_c), end = left + c->ring < p->in_w ? left + c->ring : p->in_w;
    uint32_t before = 0;
    for (c->next = left > c->next ? left : c->next; c->next < end; c->next++) {
        uint32_t *column = c->masks + c->next % c->ring * c->words * 32;
        for (int32_t i = c->rows.begin; i < c->rows.end; i++) {
            const uint32_t *x = bits_of(input, c->top + i * p->dilation_h) + c->next * words;
            before = ek_slices_masks(x, words, column + i * words * 32, before);
        }
    }
}

/* What a window reads, column by column. */
static void place_window(const EK_PARAMS *p, const ek_rows *input, columns *c, int32_t left)
{
    int32_t words = words_of(p->in_c), rows = c->rows.end - c->rows.begin;
    ek_taps inside = taps_inside(left, p->kernel_w, p->dilation_w, p->in_w);
    ek_slices_run *run = c->runs;
    reach(p, input, c, left);
    if (EK_LINE) {
        ek_slices_run line[2] = {{0, 0, c->ring * c->words}, {0, 0, 0}};
        run[0] = line[0];
        run[1] = line[1];
        return;
    }
    c->half = (p->kernel_h * p->kernel_w - rows * (inside.end - inside.begin)) * p->in_c / 2;
    for (int32_t j = inside.begin; j < inside.end && rows > 0; j++, run++) {
        int32_t first = c->rows.begin * words;
        run->masks = ((left + j * p->dilation_w) % c->ring * c->words + first) * 128;
        run->weights = (j * c->words + first) * 128;
        run->words = rows * words;
    }
    run->words = 0;
}

/* Differing bits of the channels whose weights begin at `weights`; taps outside the input count one half. */
static void count(const columns *c, const int32_t *weights, uint32_t slices[EK_SLICES])
{
    for (int32_t k = 0; k < EK_SLICES; k += 8) {
        uint32_t *s = slices + k;
        s[0] = s[1] = s[2] = s[3] = s[4] = s[5] = s[6] = s[7] = 0;
    }
    for (int32_t k = 0; c->half >> k != 0; k++) {
        slices[k] = 0u - (((uint32_t)c->half >> k) & 1u);
    }
    ek_slices_add(c->masks, (const uint32_t *)weights, c->runs, slices);
}

#endif
