/* ek_space_to_depth.h -- generated from edgekit/ops/space_to_depth.py; do not edit */
#ifndef EK_SPACE_TO_DEPTH_H
#define EK_SPACE_TO_DEPTH_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t in_c; /* input channels */
    int32_t block; /* rows and columns of a block */
} ek_space_to_depth_params;

void ek_space_to_depth_s8(const ek_space_to_depth_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
