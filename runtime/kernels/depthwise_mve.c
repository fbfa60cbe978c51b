/* depthwise_mve.c -- depthwise convolution, int8, with MVE: four pixels by sixteen channels, any
 * window; semantics in edgekit/ops/depthwise.py */
#include "ek_depthwise_mve.h"
#include "ek_mve_taps.h"

typedef ek_depthwise_mve_params params;

/* What all pixels of a call share. taps: of a window, up to a multiple of four; outside: a pixel of
 * the zero point; lists: where each tap of four windows is; words: the windows, woven. */
typedef struct {
    const params *p;
    const ek_rows *input;
    int32_t taps;
    int8_t *outside;
    const int8_t **lists;
    int8_t *words;
} walk;

/* Where the taps of a pixel's window are. What fills the list up is read and not used. */
static void list_taps(const walk *w, int32_t y, int32_t x, const int8_t **list)
{
    const params *p = w->p;
    const int8_t **end = list + w->taps;
    int32_t left = x * p->stride_w - p->pad_left;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t r = y * p->stride_h - p->pad_top + i * p->dilation_h;
        int32_t exists = r >= 0 && r < p->in_h;
        const int8_t *row = exists ? ek_row(w->input, r) : w->outside;
        for (int32_t j = 0; j < p->kernel_w; j++) {
            int32_t column = left + j * p->dilation_w;
            *list++ = exists && column >= 0 && column < p->in_w ? row + column * p->in_c
                                                                : w->outside;
        }
    }
    while (list < end) {
        *list++ = w->outside;
    }
}

/* All channels of up to four pixels; those that are missing are the last one again. */
static void pixels(const walk *w, ek_mve_taps *t, int32_t filled)
{
    const params *p = w->p;
    int32_t bytes = w->taps / 4 * EK_MVE_GROUP;
    for (int32_t i = 0; i < 4; i++) {
        int32_t is = i < filled ? i : filled - 1;
        t->offset[i] = t->offset[is];
        for (int32_t group = 0; group < 4; group++) {
            t->lane[i][group] = is * bytes + group * EK_MVE_GROUP;
        }
    }
    int8_t *out = t->out;
    t->weights = p->weights;
    t->scales = p->scales;
    for (int32_t c = 0; c < p->in_c; c += EK_MVE_CHANNELS) {
        int32_t left = p->in_c - c;
        t->channels = left < EK_MVE_CHANNELS ? left : EK_MVE_CHANNELS;
        for (int32_t i = 0; i < filled; i++) {
            ek_mve_weave(w->words + i * bytes, w->lists + i * w->taps, w->taps / 4, left);
        }
        ek_mve_depthwise(t);
        t->weights += EK_MVE_CHANNELS * t->taps;
        t->scales += EK_MVE_CHANNELS * EK_MVE_SCALE;
        t->out += EK_MVE_CHANNELS;
    }
    t->out = out;
}

void ek_depthwise_s8_mve(const ek_depthwise_mve_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t taps = p->kernel_h * p->kernel_w, low = p->out_min, high = p->out_max, filled = 0;
    walk w = {p, input, (taps + 3) & ~3, NULL, NULL, (int8_t *)scratch};
    w.lists = (const int8_t **)(void *)(scratch + w.taps * EK_MVE_GROUP);
    w.outside = (int8_t *)(w.lists + 4 * w.taps);
    ek_mve_fill(w.outside, p->in_c, (int8_t)p->input_zero);
    ek_mve_taps t = {.x = w.words, .taps = taps, .excess = -taps & 15,
                     .low = {low, low, low, low}, .high = {high, high, high, high}};
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            t.out = filled == 0 ? out : t.out;
            t.offset[filled] = (int32_t)(out - t.out);
            list_taps(&w, y, x, w.lists + filled * w.taps);
            out += p->in_c;
            filled++;
            if (filled == 4) {
                pixels(&w, &t, filled);
                filled = 0;
            }
        }
    }
    if (filled > 0) {
        pixels(&w, &t, filled);
    }
}
