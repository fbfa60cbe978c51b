/* ek_fully_connected_rows.h -- generated from edgekit/ops/fully_connected_rows.py; do not edit */
#ifndef EK_FULLY_CONNECTED_ROWS_H
#define EK_FULLY_CONNECTED_ROWS_H

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
    const int8_t *weights; /* [out_c][in_c] */
    const int32_t *bias; /* [out_c], input zero point folded in */
    const int32_t *multiplier; /* [out_c] */
    const int8_t *shift; /* [out_c], positive is left */
} ek_fully_connected_rows_params;

void ek_fully_connected_rows_s8(const ek_fully_connected_rows_params *p, const ek_rows *input, int8_t *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
