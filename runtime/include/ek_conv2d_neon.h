/* ek_conv2d_neon.h -- generated from edgekit/ops/conv2d.py; do not edit */
#ifndef EK_CONV2D_NEON_H
#define EK_CONV2D_NEON_H

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
    int32_t rescaling; /* how sums become outputs, see ek_neon.h */
    int32_t layout; /* of the windows, see ek_neon_conv2d.h */
    int32_t windows; /* where they begin in the scratch */
    const int8_t *weights; /* [groups of 4 channels][16 taps at a time, then 8] */
    const int32_t *scales; /* per group: 4 biases, 4 multipliers, 4 shifts, negative is right */
} ek_conv2d_neon_params;

void ek_conv2d_s8_neon(const ek_conv2d_neon_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
