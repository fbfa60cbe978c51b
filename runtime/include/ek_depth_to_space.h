/* ek_depth_to_space.h -- generated from edgekit/ops/depth_to_space.py; do not edit */
#ifndef EK_DEPTH_TO_SPACE_H
#define EK_DEPTH_TO_SPACE_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_w; /* input columns */
    int32_t out_c; /* output channels */
    int32_t block; /* rows and columns of a block */
} ek_depth_to_space_params;

void ek_depth_to_space_s8(const ek_depth_to_space_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
