/* ek_conv2d_w4_dsp.h -- generated from edgekit/ops/conv2d_w4.py; do not edit */
#ifndef EK_CONV2D_W4_DSP_H
#define EK_CONV2D_W4_DSP_H

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
    int32_t input_zero; /* zero point of the input */
    int32_t output_zero; /* zero point of the output */
    int32_t out_c; /* output channels */
    const int32_t *weights; /* [pairs of channels][taps / 4], two channels a byte */
    const int32_t *pairs; /* per pair: bias low, bias mixed, twice (multiplier, rounding, shift and ties) */
} ek_conv2d_w4_dsp_params;

void ek_conv2d_w4_s8_dsp(const ek_conv2d_w4_dsp_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
