/* ek_conv2d_window.h -- windows of a convolution, gathered; included by the kernels' files, which name
 * the params (EK_PARAMS) */
#ifndef EK_CONV2D_WINDOW_H
#define EK_CONV2D_WINDOW_H

#include "ek_bytes.h"
#include "ek_rows.h"

/* Whether pixel x of the output is made from one pixel of the input and no border. */
static int pointwise(const EK_PARAMS *p)
{
    return p->kernel_h == 1 && p->kernel_w == 1 && p->pad_top == 0 && p->pad_left == 0 &&
           (p->out_w - 1) * p->stride_w < p->in_w && (p->out_h - 1) * p->stride_h < p->in_h;
}

/* The taps of one window, [kernel_h][kernel_w][in_c], with the zero point outside the input. */
static void gather(const EK_PARAMS *p, const ek_rows *input, int32_t y, int32_t x,
                   int8_t *to)
{
    int8_t zero = (int8_t)p->input_zero;
    int32_t left = x * p->stride_w - p->pad_left;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t row = y * p->stride_h - p->pad_top + i * p->dilation_h;
        if (row < 0 || row >= p->in_h) {
            to = ek_fill(to, p->kernel_w * p->in_c, zero);
            continue;
        }
        const int8_t *from = ek_row(input, row);
        if (p->dilation_w == 1 && left >= 0 && left + p->kernel_w <= p->in_w) {
            to = ek_copy(to, from + left * p->in_c, p->kernel_w * p->in_c);
            continue;
        }
        for (int32_t j = 0; j < p->kernel_w; j++) {
            int32_t column = left + j * p->dilation_w;
            to = column < 0 || column >= p->in_w ? ek_fill(to, p->in_c, zero)
                                                 : ek_copy(to, from + column * p->in_c, p->in_c);
        }
    }
}

#endif
