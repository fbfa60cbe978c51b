/* ek_avg_pool_rows_dsp.h -- generated from edgekit/ops/avg_pool_rows.py; do not edit */
#ifndef EK_AVG_POOL_ROWS_DSP_H
#define EK_AVG_POOL_ROWS_DSP_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t in_c; /* input channels */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
} ek_avg_pool_rows_dsp_params;

void ek_avg_pool_rows_s8_dsp(const ek_avg_pool_rows_dsp_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
