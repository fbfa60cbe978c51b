/* conv2d_v6m.c -- 2-D convolution, int8, for Armv6-M; semantics in edgekit/ops/conv2d.py
 *
 * The windows of four pixels, of whichever rows, are widened side by side; then each channel's weights
 * are loaded once for all four. */
#include "ek_conv2d_v6m.h"
#include "ek_v6m_dot.h"
#include "ek_v6m_rescale.h"

typedef ek_conv2d_v6m_params params;

/* x: [taps][4 pixels]; taps: of a window, filled up to a multiple of four; out: the pixels'. */
typedef struct {
    int32_t *x;
    int32_t taps;
    int32_t pixels;
    int8_t *out[4];
} tile;

/* n values of one pixel; returns where its next go. */
static int32_t *widen(int32_t *to, const int8_t *from, int32_t n)
{
    for (; n >= 4; n -= 4) {
        to[0] = from[0];
        to[4] = from[1];
        to[8] = from[2];
        to[12] = from[3];
        to += 16;
        from += 4;
    }
    for (; n > 0; n--) {
        *to = *from++;
        to += 4;
    }
    return to;
}

static int32_t *fill(int32_t *to, int32_t n, int32_t value)
{
    for (; n > 0; n--) {
        *to = value;
        to += 4;
    }
    return to;
}

static void widen_window(const params *p, const ek_rows *input, int32_t top, int32_t left,
                         int32_t *to)
{
    int inside = p->dilation_w == 1 && left >= 0 && left + p->kernel_w <= p->in_w;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t y = top + i * p->dilation_h;
        if (y < 0 || y >= p->in_h) {
            to = fill(to, p->kernel_w * p->in_c, p->input_zero);
            continue;
        }
        const int8_t *row = ek_row(input, y);
        if (inside) {
            to = widen(to, row + left * p->in_c, p->kernel_w * p->in_c);
            continue;
        }
        for (int32_t j = 0; j < p->kernel_w; j++) {
            int32_t x = left + j * p->dilation_w;
            to = x < 0 || x >= p->in_w ? fill(to, p->in_c, p->input_zero)
                                       : widen(to, row + x * p->in_c, p->in_c);
        }
    }
}

static void multiply(const params *p, const tile *at)
{
    const int8_t *w = p->weights;
    const int32_t *end = at->x + 4 * at->taps, *scale = p->scales;
    int32_t low = p->out_min, high = p->out_max;
    for (int32_t c = 0; c < p->out_c; c++) {
        int32_t sums[4] = {scale[0], scale[0], scale[0], scale[0]};
        ek_v6m_dot4(at->x, end, w, sums);
        for (int32_t i = 0; i < at->pixels; i++) {
            at->out[i][c] = (int8_t)ek_clamp(ek_v6m_rescale(sums[i], scale), low, high);
        }
        scale += 4;
        w += at->taps;
    }
}

void ek_conv2d_s8_v6m(const ek_conv2d_v6m_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t taps = p->kernel_h * p->kernel_w * p->in_c;
    tile at = {(int32_t *)(void *)scratch, (taps + 3) & ~3, 0, {0, 0, 0, 0}};
    for (int32_t i = 0; i < 4; i++) {
        fill(at.x + i, at.taps, 0);
    }
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            widen_window(p, input, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left,
                         at.x + at.pixels);
            at.out[at.pixels++] = out;
            if (at.pixels == 4 || (y == first + n - 1 && x == p->out_w - 1)) {
                multiply(p, &at);
                at.pixels = 0;
            }
            out += p->out_c;
        }
    }
}
