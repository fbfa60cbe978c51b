/* ek_mean_rows_s16.h -- generated from edgekit/ops/mean_s16_rows.py; do not edit */
#ifndef EK_MEAN_ROWS_S16_H
#define EK_MEAN_ROWS_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t in_c; /* input channels */
    int32_t multiplier; /* of the sum */
    int32_t shift; /* of the sum, positive is left */
} ek_mean_rows_s16_params;

void ek_mean_rows_s16(const ek_mean_rows_s16_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
