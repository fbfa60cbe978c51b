/* transpose_conv_s16.c -- transposed convolution, int16 by int8; see edgekit/ops/transpose_conv_s16.py */
#include "ek_transpose_conv_s16.h"
#include "ek_bytes.h"
#include "ek_wide.h"

/* Taps of the phase `i` along an axis: those of `kernel` that are i modulo the stride. */
static int32_t taps(int32_t kernel, int32_t stride, int32_t i)
{
    return i < kernel ? (kernel - i + stride - 1) / stride : 0;
}

/* The cells of one phase's window that ends at (row, column), 0 outside the input. */
static void gather(const ek_transpose_conv_s16_params *p, const ek_rows *input, int32_t row,
                   int32_t column, int32_t rows, int32_t columns, int8_t *to)
{
    int32_t bytes = 2 * p->in_c;
    for (int32_t y = row - rows + 1; y <= row; y++) {
        const int8_t *from = y < 0 || y >= p->in_h ? NULL : ek_row(input, y);
        for (int32_t x = column - columns + 1; x <= column; x++) {
            to = from == NULL || x < 0 || x >= p->in_w ? ek_fill(to, bytes, 0)
                                                       : ek_copy(to, from + x * bytes, bytes);
        }
    }
}

/* The weights of the phases lie one behind the other, so that those of a row of phases begin behind
 * all taps of the rows before. */
static void make_row(const ek_transpose_conv_s16_params *p, const ek_rows *input, int32_t y,
                     int16_t *out, int8_t *scratch)
{
    int32_t i = (y + p->pad_top) % p->stride_h, from = (y + p->pad_top) / p->stride_h;
    int32_t rows = taps(p->kernel_h, p->stride_h, i), before = 0, size = p->out_c * p->in_c;
    for (int32_t k = 0; k < i; k++) {
        before += taps(p->kernel_h, p->stride_h, k) * p->kernel_w;
    }
    for (int32_t x = 0; x < p->out_w; x++) {
        int32_t j = (x + p->pad_left) % p->stride_w, at = before;
        int32_t columns = taps(p->kernel_w, p->stride_w, j);
        for (int32_t k = 0; k < j; k++) {
            at += rows * taps(p->kernel_w, p->stride_w, k);
        }
        gather(p, input, from, (x + p->pad_left) / p->stride_w, rows, columns, scratch);
        EK_WIDE_PIXEL(p, ek_halves(scratch), p->weights + at * size, p->bias,
                      rows * columns * p->in_c, out);
        out += p->out_c;
    }
}

void ek_transpose_conv_s16(const ek_transpose_conv_s16_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    for (int32_t y = first; y < first + n; y++) {
        make_row(p, input, y, ek_row_halves(output, y), (int8_t *)scratch);
    }
}
