/* ek_avg_pool_up.h -- generated from edgekit/ops/avg_pool_up.py; do not edit */
#ifndef EK_AVG_POOL_UP_H
#define EK_AVG_POOL_UP_H

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
} ek_avg_pool_up_params;

void ek_avg_pool_up_s8(const ek_avg_pool_up_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
