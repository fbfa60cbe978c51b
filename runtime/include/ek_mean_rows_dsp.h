/* ek_mean_rows_dsp.h -- generated from edgekit/ops/mean_rows.py; do not edit */
#ifndef EK_MEAN_ROWS_DSP_H
#define EK_MEAN_ROWS_DSP_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t in_c; /* input channels */
    int32_t offset; /* number of pixels times the zero point of the input */
    int32_t multiplier; /* of the sum */
    int32_t shift; /* of the sum, positive is left */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
} ek_mean_rows_dsp_params;

void ek_mean_rows_s8_dsp(const ek_mean_rows_dsp_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
