/* ek_fully_connected_rows_dsp.h -- generated from edgekit/ops/fully_connected_rows.py; do not edit */
#ifndef EK_FULLY_CONNECTED_ROWS_DSP_H
#define EK_FULLY_CONNECTED_ROWS_DSP_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t in_c; /* input channels */
    int32_t out_c; /* elements of the output */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    const int32_t *weights; /* [rows][groups of four channels][taps / 4][2 pairs][2] */
    const int32_t *scales; /* [channels]: bias, multiplier, rounding, shift */
} ek_fully_connected_rows_dsp_params;

void ek_fully_connected_rows_s8_dsp(const ek_fully_connected_rows_dsp_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
