/* ek_depthwise_coded.h -- generated from edgekit/ops/depthwise_coded.py; do not edit */
#ifndef EK_DEPTHWISE_CODED_H
#define EK_DEPTHWISE_CODED_H

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
    int32_t window; /* bits that a code's longest word has */
    int32_t low; /* bits of a value behind its word */
    int32_t group; /* taps that share places, 0 where tokens have none */
    int32_t place_bits; /* bits of a place */
    int32_t kept; /* tokens of a group */
    int32_t span; /* channels that share a code */
    int32_t sparse; /* whether tokens leave out zeros */
    int32_t tile; /* channels that are decoded together */
    const uint16_t *stream; /* weights, channel by channel, see ek_code.h */
    const uint16_t *code; /* symbols of each code, see ek_code.h */
    const int32_t *bias; /* [in_c * multiplier_c], input zero point folded in */
    const int32_t *multiplier; /* [in_c * multiplier_c] */
    const int8_t *shift; /* [in_c * multiplier_c], positive is left */
} ek_depthwise_coded_params;

void ek_depthwise_coded_s8(const ek_depthwise_coded_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
