/* ek_depthwise_s16.h -- generated from edgekit/ops/depthwise_s16.py; do not edit */
#ifndef EK_DEPTHWISE_S16_H
#define EK_DEPTHWISE_S16_H

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
    int32_t multiplier_c; /* output channels per input channel */
    const int8_t *weights; /* [kernel_h][kernel_w][in_c * multiplier_c] */
    const int64_t *bias; /* [in_c * multiplier_c] */
    const int32_t *multiplier; /* [in_c * multiplier_c] */
    const int8_t *shift; /* [in_c * multiplier_c], positive is left; where wide a right shift */
} ek_depthwise_s16_params;

void ek_depthwise_s16(const ek_depthwise_s16_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
