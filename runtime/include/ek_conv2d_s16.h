/* ek_conv2d_s16.h -- generated from edgekit/ops/conv2d_s16.py; do not edit */
#ifndef EK_CONV2D_S16_H
#define EK_CONV2D_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t in_c; /* input channels */
    int32_t out_h; /* output rows */
    int32_t out_w; /* output columns */
    int32_t kernel_h; /* window rows */
    int32_t kernel_w; /* window columns */
    int32_t stride_h; /* rows between windows */
    int32_t stride_w; /* columns between windows */
    int32_t pad_top; /* padding rows above */
    int32_t pad_left; /* padding columns at the left */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    int32_t dilation_h; /* rows between taps */
    int32_t dilation_w; /* columns between taps */
    int32_t wide; /* 1 where sums have 64 bits and multipliers 15 */
    int32_t out_c; /* output channels */
    int32_t pointwise; /* 1 where pixel x of the input alone makes pixel x of the output */
    const int8_t *weights; /* [out_c][kernel_h][kernel_w][in_c] */
    const int64_t *bias; /* [out_c] */
    const int32_t *multiplier; /* [out_c] */
    const int8_t *shift; /* [out_c], positive is left; where wide a right shift */
} ek_conv2d_s16_params;

void ek_conv2d_s16(const ek_conv2d_s16_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
