/* ek_conv2d_binary_slices_line.h -- generated from edgekit/ops/conv2d_binary.py; do not edit */
#ifndef EK_CONV2D_BINARY_SLICES_LINE_H
#define EK_CONV2D_BINARY_SLICES_LINE_H

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
    int32_t out_c; /* output channels */
    int32_t shift; /* of the sums, to the right */
    const int32_t *weights; /* [32 channels][kernel_w][kernel_h][words of in_c][32 bits]: even ones, pairs modulo 2 */
    const int32_t *scales; /* [32 channels][8][4]: factor and offset of a count, of channel 8 j + i at [i][j] */
} ek_conv2d_binary_slices_line_params;

void ek_conv2d_binary_s8_slices_line(const ek_conv2d_binary_slices_line_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
