/* ek_transpose_window.h -- windows of a transposed convolution, phase by phase; included by the kernels' files,
 * which name the params (EK_PARAMS) and give `pixel` */
#ifndef EK_TRANSPOSE_WINDOW_H
#define EK_TRANSPOSE_WINDOW_H

#include <stddef.h>

#include "ek_bytes.h"
#include "ek_rows.h"

/* Taps of the phase `i` along an axis: those of `kernel` that are i modulo the stride. */
static int32_t taps(int32_t kernel, int32_t stride, int32_t i)
{
    return i < kernel ? (kernel - i + stride - 1) / stride : 0;
}

/* The cells of one phase's window that ends at (row, column), the zero point outside the input. */
static void gather(const EK_PARAMS *p, const ek_rows *input, int32_t row,
                   int32_t column, int32_t rows, int32_t columns, int8_t *to)
{
    int8_t zero = (int8_t)p->input_zero;
    for (int32_t y = row - rows + 1; y <= row; y++) {
        const int8_t *from = y < 0 || y >= p->in_h ? NULL : ek_row(input, y);
        for (int32_t x = column - columns + 1; x <= column; x++) {
            to = from == NULL || x < 0 || x >= p->in_w ? ek_fill(to, p->in_c, zero)
                                                       : ek_copy(to, from + x * p->in_c, p->in_c);
        }
    }
}

/* All channels of one pixel from its window x of k values; the weights begin behind `at` taps. */
static void pixel(const EK_PARAMS *p, const int8_t *x, int32_t at, const int32_t *bias, int32_t k,
                  int8_t *out);

/* The weights of the phases lie one behind the other, so that those of a row of phases begin behind
 * all taps of the rows before. */
static void row(const EK_PARAMS *p, const ek_rows *input, int32_t y, int8_t *out,
                int8_t *patch)
{
    int32_t i = (y + p->pad_top) % p->stride_h, from = (y + p->pad_top) / p->stride_h;
    int32_t rows = taps(p->kernel_h, p->stride_h, i), before = 0;
    for (int32_t k = 0; k < i; k++) {
        before += taps(p->kernel_h, p->stride_h, k) * p->kernel_w;
    }
    for (int32_t x = 0; x < p->out_w; x++) {
        int32_t j = (x + p->pad_left) % p->stride_w, at = before;
        int32_t columns = taps(p->kernel_w, p->stride_w, j);
        for (int32_t k = 0; k < j; k++) {
            at += rows * taps(p->kernel_w, p->stride_w, k);
        }
        gather(p, input, from, (x + p->pad_left) / p->stride_w, rows, columns, patch);
        pixel(p, patch, at, p->bias + (i * p->stride_w + j) * p->out_c,
              rows * columns * p->in_c, out);
        out += p->out_c;
    }
}

static inline void walk(const EK_PARAMS *p, const ek_rows *input, const ek_rows *output,
                        int32_t first, int32_t n, uint8_t *scratch)
{
    for (int32_t y = first; y < first + n; y++) {
        row(p, input, y, ek_row(output, y), (int8_t *)scratch);
    }
}

#endif
