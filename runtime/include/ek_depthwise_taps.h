/* ek_depthwise_taps.h -- windows over single channels as lists of taps; included by the kernels'
 * files, which name the params (EK_PARAMS) and give `pixel`, and may say how far apart the weights of
 * two taps are (EK_TAP_BYTES) and that they are those of some channels alone (EK_CODED) */
#ifndef EK_DEPTHWISE_TAPS_H
#define EK_DEPTHWISE_TAPS_H

#include "ek_rows.h"

#ifndef EK_TAP_BYTES
#define EK_TAP_BYTES(p) ((p)->in_c * (p)->multiplier_c)
#endif

/* The taps of an axis that lie inside the input: first..last-1. */
typedef struct {
    int32_t first;
    int32_t last;
} span;

/* Where a tap reads, in bytes: x from the window's first cell inside the input, w in the weights. */
typedef struct {
    int32_t x;
    int32_t w;
} tap;

/* A window as a list of its taps, those inside the input first. The list holds for every channel,
 * and for neighbouring windows that lose the same taps, so borders need no code of their own. */
typedef struct {
    tap *taps;
    int32_t inside;
    int32_t all;
#ifdef EK_CODED
    const int8_t *weights; /* of the channels first..end-1 */
    int32_t first;
    int32_t end;
#endif
} window;

static span inside(int32_t origin, int32_t taps, int32_t dilation, int32_t size)
{
    span s = {0, taps};
    while (s.first < taps && origin + s.first * dilation < 0) {
        s.first++;
    }
    while (s.last > s.first && origin + (s.last - 1) * dilation >= size) {
        s.last--;
    }
    return s;
}

static int within(span s, int32_t i)
{
    return i >= s.first && i < s.last;
}

static void list_taps(const EK_PARAMS *p, const ek_rows *input, int32_t top, span rows,
                      span columns, window *at)
{
    int32_t step = EK_TAP_BYTES(p), w = 0, outside = at->all;
    at->inside = 0;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t x = 0;
        if (within(rows, i)) {
            x = (int32_t)(ek_row(input, top + i * p->dilation_h) -
                          ek_row(input, top + rows.first * p->dilation_h));
        }
        for (int32_t j = 0; j < p->kernel_w; j++) {
            int present = within(rows, i) && within(columns, j);
            tap *t = at->taps + (present ? at->inside++ : --outside);
            t->x = x + (j - columns.first) * p->dilation_w * p->in_c;
            t->w = w;
            w += step;
        }
    }
}

/* All channels of one pixel; x: the window's first cell inside the input. */
static void pixel(const EK_PARAMS *p, const window *at, const int8_t *x, int8_t *out);

static inline void walk_tile(const EK_PARAMS *p, const ek_rows *input, const ek_rows *output,
                             int32_t first, int32_t n, window *at)
{
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        int32_t top = y * p->stride_h - p->pad_top;
        span rows = inside(top, p->kernel_h, p->dilation_h, p->in_h), listed = {-1, -1};
        for (int32_t x = 0; x < p->out_w; x++) {
            int32_t left = x * p->stride_w - p->pad_left;
            span columns = inside(left, p->kernel_w, p->dilation_w, p->in_w);
            if (columns.first != listed.first || columns.last != listed.last) {
                list_taps(p, input, top, rows, columns, at);
                listed = columns;
            }
            const int8_t *from = out;
            if (at->inside > 0) {
                from = ek_row(input, top + rows.first * p->dilation_h) +
                       (left + columns.first * p->dilation_w) * p->in_c;
            }
            pixel(p, at, from, out);
            out += p->in_c * p->multiplier_c;
        }
    }
}

#ifndef EK_CODED
static inline void walk(const EK_PARAMS *p, const ek_rows *input, const ek_rows *output,
                        int32_t first, int32_t n, uint8_t *scratch)
{
    window at = {(tap *)(void *)scratch, 0, p->kernel_h * p->kernel_w};
    walk_tile(p, input, output, first, n, &at);
}
#endif

#endif
