/* ek_resize_nearest.h -- generated from edgekit/ops/resize_nearest.py; do not edit */
#ifndef EK_RESIZE_NEAREST_H
#define EK_RESIZE_NEAREST_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t pixel; /* bytes of a pixel */
    int32_t out_w; /* output columns */
    const int16_t *source_y; /* [output rows], the input row of each */
    const int16_t *source_x; /* [out_w], the input column of each */
} ek_resize_nearest_params;

void ek_resize_nearest_s8(const ek_resize_nearest_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
