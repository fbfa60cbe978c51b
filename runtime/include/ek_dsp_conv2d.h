/* ek_dsp_conv2d.h -- 2-D convolution with DSP; included by the kernels' files, which name the params
 * (EK_PARAMS), say whether two channels share lanes (EK_MIXED) or weights have four bits (EK_NIBBLES), how
 * many pixels are multiplied at once (EK_TILE): four, or two for half the scratch, whether windows
 * end in taps that they have already (EK_REST), whose weights take more than a byte, and whether weights are
 * decoded for some channels at a time (EK_CODED)
 *
 * The windows of a tile's pixels, of whichever rows, are widened side by side, then multiplied with all
 * channels, two at a time. The last pixels that follow one another make smaller tiles. */
#ifndef EK_DSP_CONV2D_H
#define EK_DSP_CONV2D_H

#ifdef EK_NIBBLES
#include "ek_dsp_tile_nibbles.h"
#else
#include "ek_dsp_tile.h"
#endif
#ifdef EK_CODED
#include "ek_dsp_coded.h"
#endif
#include "ek_dsp_widen.h"

/* What all tiles of a call share. Columns and pixels are those of a row, or of all rows that a 1x1
 * window can take as one; row: bytes of a window's row, filled up to whole words (their weights are
 * 0); steps: words of a widened patch; x: room for those of a tile; spare: room for a row that cannot
 * be read where it is. */
typedef struct {
    const EK_PARAMS *p;
    const ek_rows *input;
    int32_t columns;
    int32_t pixels;
    int32_t row;
    int32_t steps;
    uint32_t *x;
    int8_t *spare;
#ifdef EK_CODED
    ek_dsp_coded coded;
#endif
} ek_dsp_conv;

#ifdef EK_CODED
#define EK_DSP_WEIGHTS(c) ((c)->coded.weights)
#define EK_DSP_FIRST(c) ((c)->coded.first)
#define EK_DSP_CHANNELS(c) ((c)->coded.channels)
#define EK_DSP_EACH_TILE(c) while (ek_dsp_decode((c)->p, &(c)->coded))
#else
#define EK_DSP_WEIGHTS(c) p->weights
#define EK_DSP_FIRST(c) 0
#define EK_DSP_CHANNELS(c) p->out_c
#define EK_DSP_EACH_TILE(c)
#endif

/* All channels of the pixels whose patches stand widened at c->x. An odd last channel is computed
 * together with the one before it, again. */
static void multiply(const ek_dsp_conv *c, int8_t *out, int32_t pixels)
{
    const EK_PARAMS *p = c->p;
    const uint32_t *end = c->x + pixels * c->steps;
    const int32_t *w = EK_DSP_WEIGHTS(c), *pair = p->pairs + 4 * EK_DSP_FIRST(c);
    int32_t pairs = EK_DSP_CHANNELS(c) / 2;
    out += EK_DSP_FIRST(c);
    for (int32_t odd = 0; odd <= (EK_DSP_CHANNELS(c) & 1); odd++) {
        if (pixels > 1) {
            const uint32_t *mid = c->x + pixels * (c->steps & ~7);
            ek_dsp_tile(pixels, c->x, end, w, pair, out, p->out_c, pair + 8 * pairs, mid);
        } else {
            ek_dsp_pixel(c->x, end, w, pair, pair + 8 * pairs, out);
        }
        w += pairs * EK_DSP_PAIR_WORDS(c->steps);
        pair += 8 * pairs;
        pairs = 1;
        out += EK_DSP_CHANNELS(c) - 2;
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

/* A row of the zero point. */
static const int8_t *outside(const ek_dsp_conv *c, int8_t *spare)
{
    ek_dsp_fill(spare, c->row, (int8_t)c->p->input_zero);
    return spare;
}

/* The window of one pixel, whose words are `step` words apart. Where they have no others between
 * them, the second half of a row's words has room for its bytes: widening catches up with itself. */
static void widen_one(const ek_dsp_conv *c, int32_t top, int32_t left, uint32_t *to, int32_t step)
{
    const EK_PARAMS *p = c->p;
    int32_t direct = inside(c, left, 1);
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t y = top + i * p->dilation_h;
        int8_t *spare = step == 1 ? (int8_t *)to + c->row : c->spare;
        const int8_t *from = spare;
        if (y < 0 || y >= p->in_h) {
            outside(c, spare);
        } else if (direct) {
            from = ek_row(c->input, y) + left * p->in_c;
        } else {
            gather(c, ek_row(c->input, y), left, spare);
        }
        to = ek_dsp_widen(to, step, from, c->row);
    }
}

/* The windows of a tile's pixels side by side. */
static void widen_tile(const ek_dsp_conv *c, int32_t top, int32_t left, int32_t pixels)
{
    const EK_PARAMS *p = c->p;
    uint32_t *to = c->x;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t y = top + i * p->dilation_h, exists = y >= 0 && y < p->in_h;
        const int8_t *from =
            exists ? ek_row(c->input, y) + left * p->in_c : outside(c, c->spare);
        to = ek_dsp_widen_tile(to, from, exists ? p->stride_w * p->in_c : 0, c->row, pixels);
    }
}

/* The windows of a tile or one pixel from column x of row y on; the row may end before the last. */
static void widen(const ek_dsp_conv *c, int32_t y, int32_t x, int32_t pixels)
{
    const EK_PARAMS *p = c->p;
    int32_t top = y * p->stride_h - p->pad_top, left = x * p->stride_w - p->pad_left;
    if (pixels > 1 && x + pixels <= c->pixels && inside(c, left, pixels)) {
        widen_tile(c, top, left, pixels);
        return;
    }
    for (int32_t i = 0; i < pixels; i++) {
        if (x == c->pixels) {
            x = 0;
            left = -p->pad_left;
            top += p->stride_h;
        }
        widen_one(c, top, left, c->x + i, pixels);
        left += p->stride_w;
        x++;
    }
}

#ifdef EK_REST

#define EK_DSP_REST_TAPS(p) ((p)->rest_taps)

/* A value of a pixel's widened patch, by its tap. */
static uint32_t value_at(const ek_dsp_conv *c, int32_t tap, int32_t pixel, int32_t pixels)
{
    uint32_t word = c->x[(tap / 4 * 2 + (tap & 1)) * pixels + pixel];
    return tap & 2 ? word >> 16 : word;
}

/* Behind each patch once more the values of the taps in `rest`. */
static void widen_rest(const ek_dsp_conv *c, int32_t pixels)
{
    const int32_t *tap = c->p->rest, *end = tap + c->p->rest_taps;
    uint32_t *to = c->x + pixels * (c->steps - c->p->rest_taps / 2);
    for (; tap < end; tap += 4) {
        for (int32_t i = 0; i < pixels; i++) {
            to[i] = ek_lower(value_at(c, tap[0], i, pixels), value_at(c, tap[2], i, pixels));
            to[pixels + i] = ek_lower(value_at(c, tap[1], i, pixels), value_at(c, tap[3], i, pixels));
        }
        to += 2 * pixels;
    }
}

#else

#define EK_DSP_REST_TAPS(p) 0

static void widen_rest(const ek_dsp_conv *c, int32_t pixels)
{
    (void)c;
    (void)pixels;
}

#endif

/* How many pixels to take from column x of row y on. Of the next ones, `most` at most, those count whose
 * outputs follow one another; five are three and two, so that none is left alone. */
static int32_t tile(const ek_dsp_conv *c, const ek_rows *output, int32_t y, int32_t x, int32_t most)
{
    int32_t ahead = c->pixels - x, bytes = c->pixels * c->p->out_c;
    for (int32_t k = 1; ahead < most && ek_row(output, y + k) == ek_row(output, y) + k * bytes; k++) {
        ahead += c->pixels;
    }
    ahead = ahead < most ? ahead : most;
    return ahead == 5 ? 3 : ahead < EK_TILE ? ahead : EK_TILE;
}

/* Tile by tile of pixels, across the ends of rows where outputs follow one another. */
static void convolve(const EK_PARAMS *p, const ek_rows *input, const ek_rows *output,
                     int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t row = (p->kernel_w * p->in_c + 3) & ~3, end = n * p->out_w;
    int32_t taps = p->kernel_h * row + EK_DSP_REST_TAPS(p);
    ek_dsp_conv c = {p, input, p->in_w, p->out_w, row, taps / 2, (uint32_t *)(void *)scratch,
                     (int8_t *)scratch + 2 * EK_TILE * taps
#ifdef EK_CODED
                     , ek_dsp_coded_begin(p, scratch + 2 * EK_TILE * taps + row)
#endif
    };
    if (p->kernel_h * p->kernel_w == 1 && p->stride_h * p->stride_w == 1 &&
        p->pad_top + p->pad_left == 0 && p->out_w == p->in_w &&
        ek_one_run(input, p->in_w * p->in_c) && ek_one_run(output, p->out_w * p->out_c)) {
        c.columns *= n;
        c.pixels *= n;
    }
    EK_DSP_EACH_TILE(&c)
    for (int32_t y = first, x = 0, at = 0; at < end;) {
        int32_t most = EK_TILE == 4 ? 6 : 2;
        int32_t pixels = tile(&c, output, y, x, most < end - at ? most : end - at);
        widen(&c, y, x, pixels);
        widen_rest(&c, pixels);
        multiply(&c, ek_row(output, y) + x * p->out_c, pixels);
        at += pixels;
        for (x += pixels; x >= c.pixels; y++) {
            x -= c.pixels;
        }
    }
    for (int32_t y = first; y < first + n; y++) {
        ek_dsp_clamp(ek_row(output, y), p->out_w * p->out_c, p->out_min, p->out_max);
    }
}

#endif
