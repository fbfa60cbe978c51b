/* conv2d_s16.c -- 2-D convolution, int16 by int8; semantics in edgekit/ops/conv2d_s16.py */
#include "ek_conv2d_s16.h"
#include "ek_bytes.h"
#include "ek_wide.h"

static int16_t *fill(int16_t *to, int32_t n)
{
    return (int16_t *)(void *)ek_fill((int8_t *)to, 2 * n, 0);
}

static int16_t *copy(int16_t *to, const int16_t *from, int32_t n)
{
    return (int16_t *)(void *)ek_copy((int8_t *)to, (const int8_t *)from, 2 * n);
}

/* The taps of one window, [kernel_h][kernel_w][in_c], with 0 outside the input. */
static void gather(const ek_conv2d_s16_params *p, const ek_rows *input, int32_t y, int32_t x,
                   int16_t *to)
{
    int32_t left = x * p->stride_w - p->pad_left;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t row = y * p->stride_h - p->pad_top + i * p->dilation_h;
        if (row < 0 || row >= p->in_h) {
            to = fill(to, p->kernel_w * p->in_c);
            continue;
        }
        const int16_t *from = ek_row_halves(input, row);
        for (int32_t j = 0; j < p->kernel_w; j++) {
            int32_t column = left + j * p->dilation_w;
            to = column < 0 || column >= p->in_w ? fill(to, p->in_c)
                                                 : copy(to, from + column * p->in_c, p->in_c);
        }
    }
}

void ek_conv2d_s16(const ek_conv2d_s16_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int16_t *patch = (int16_t *)(void *)scratch;
    int32_t k = p->kernel_h * p->kernel_w * p->in_c;
    for (int32_t y = first; y < first + n; y++) {
        int16_t *out = ek_row_halves(output, y);
        const int16_t *row = p->pointwise ? ek_row_halves(input, y) : patch;
        for (int32_t x = 0; x < p->out_w; x++) {
            if (!p->pointwise) {
                gather(p, input, y, x, patch);
            }
            const int16_t *from = p->pointwise ? row + x * k : patch;
            EK_WIDE_PIXEL(p, from, p->weights, p->bias, k, out);
            out += p->out_c;
        }
    }
}
