/* ek_depthwise_neon_dot.h -- generated from edgekit/ops/depthwise.py; do not edit */
#ifndef EK_DEPTHWISE_NEON_DOT_H
#define EK_DEPTHWISE_NEON_DOT_H

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
    int32_t multiplier_c; /* output channels per input channel */
    int32_t rescaling; /* how sums become outputs, see ek_neon.h */
    const int8_t *weights; /* [blocks][3 columns][8 channels][3 rows and 0] */
    const int32_t *scales; /* per block: 8 biases, multipliers, shifts, negative is right */
} ek_depthwise_neon_dot_params;

void ek_depthwise_s8_neon_dot(const ek_depthwise_neon_dot_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
