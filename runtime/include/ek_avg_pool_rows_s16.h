/* ek_avg_pool_rows_s16.h -- generated from edgekit/ops/avg_pool_s16_rows.py; do not edit */
#ifndef EK_AVG_POOL_ROWS_S16_H
#define EK_AVG_POOL_ROWS_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t in_c; /* input channels */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
} ek_avg_pool_rows_s16_params;

void ek_avg_pool_rows_s16(const ek_avg_pool_rows_s16_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
