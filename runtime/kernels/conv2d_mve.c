/* conv2d_mve.c -- 2-D convolution, int8, with MVE: four pixels at a time, then lone ones */
#include "ek_conv2d_mve.h"
#include "ek_mve_dense.h"
#include "ek_mve_tile.h"

typedef ek_conv2d_mve_params params;

/* The cells of one row of a window, those outside the input being its zero point. */
static int8_t *gather_row(const params *p, const int8_t *row, int32_t left, int8_t *to)
{
    int8_t zero = (int8_t)p->input_zero;
    if (p->dilation_w == 1) {
        int32_t before = left < 0 ? -left : 0, end = p->in_w - left;
        int32_t inside = (end < p->kernel_w ? end : p->kernel_w) - before;
        to = ek_mve_fill(to, before * p->in_c, zero);
        to = ek_mve_copy(to, row + (left + before) * p->in_c, inside * p->in_c);
        return ek_mve_fill(to, (p->kernel_w - before - inside) * p->in_c, zero);
    }
    for (int32_t j = 0; j < p->kernel_w; j++) {
        int32_t x = left + j * p->dilation_w;
        to = x < 0 || x >= p->in_w ? ek_mve_fill(to, p->in_c, zero)
                                   : ek_mve_copy(to, row + x * p->in_c, p->in_c);
    }
    return to;
}

/* The window of a pixel, [kernel_h][kernel_w][in_c]: where it is if it is one cell of the input, else
 * gathered at `to`. */
static const int8_t *window(const params *p, const ek_rows *input, int32_t y, int32_t x, int8_t *to)
{
    const int8_t *begin = to;
    int32_t left = x * p->stride_w - p->pad_left, row = p->kernel_w * p->in_c;
    int32_t within = p->dilation_w == 1 && left >= 0 && left + p->kernel_w <= p->in_w;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t r = y * p->stride_h - p->pad_top + i * p->dilation_h;
        if (r < 0 || r >= p->in_h) {
            to = ek_mve_fill(to, row, (int8_t)p->input_zero);
        } else if (!within) {
            to = gather_row(p, ek_row(input, r), left, to);
        } else if (p->kernel_h == 1) {
            return ek_row(input, r) + left * p->in_c;
        } else {
            to = ek_mve_copy(to, ek_row(input, r) + left * p->in_c, row);
        }
    }
    return begin;
}

static void lone(const params *p, const int8_t *x, int32_t taps, int8_t *out)
{
    ek_mve_dense d = {x, p->weights, p->scales, taps, out, p->out_c, p->out_min, p->out_max};
    ek_mve_four_rows(&d);
}

void ek_conv2d_s8_mve(const ek_conv2d_mve_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t taps = p->kernel_h * p->kernel_w * p->in_c, filled = 0;
    ek_mve_tile t = {{0}, p->weights, p->scales, p->scales + EK_MVE_SCALE * p->out_c,
                     -taps & 15, taps, 0, {0}, p->out_min, p->out_max};
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            t.out = filled == 0 ? out : t.out;
            t.offset[filled] = (int32_t)(out - t.out);
            t.x[filled] = window(p, input, y, x, (int8_t *)scratch + filled * taps);
            out += p->out_c;
            filled++;
            if (filled == 4) {
                ek_mve_multiply(&t);
                filled = 0;
            }
        }
    }
    for (int32_t i = 0; i < filled; i++) {
        lone(p, t.x[i], taps, t.out + t.offset[i]);
    }
}
