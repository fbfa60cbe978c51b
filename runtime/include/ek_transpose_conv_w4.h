/* ek_transpose_conv_w4.h -- generated from edgekit/ops/transpose_conv_w4.py; do not edit */
#ifndef EK_TRANSPOSE_CONV_W4_H
#define EK_TRANSPOSE_CONV_W4_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t in_c; /* input channels */
    int32_t out_w; /* output columns */
    int32_t out_c; /* output channels */
    int32_t kernel_h; /* window rows */
    int32_t kernel_w; /* window columns */
    int32_t stride_h; /* output rows per input row */
    int32_t stride_w; /* output columns per input column */
    int32_t pad_top; /* rows cut off above */
    int32_t pad_left; /* columns cut off at the left */
    int32_t input_zero; /* zero point of the input */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    const int8_t *weights; /* phase by phase, [ceil(out_c / 2)][its rows][its columns][in_c], two channels a byte */
    const int32_t *bias; /* [stride_h * stride_w][out_c], input zero point folded in */
    const int32_t *multiplier; /* [out_c] */
    const int8_t *shift; /* [out_c], positive is left */
} ek_transpose_conv_w4_params;

void ek_transpose_conv_w4_s8(const ek_transpose_conv_w4_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
