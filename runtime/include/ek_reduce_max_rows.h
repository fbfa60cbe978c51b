/* ek_reduce_max_rows.h -- generated from edgekit/ops/reduce_max_rows.py; do not edit */
#ifndef EK_REDUCE_MAX_ROWS_H
#define EK_REDUCE_MAX_ROWS_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t in_c; /* input channels */
} ek_reduce_max_rows_params;

void ek_reduce_max_rows_s8(const ek_reduce_max_rows_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
