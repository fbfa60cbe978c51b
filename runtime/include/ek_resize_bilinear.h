/* ek_resize_bilinear.h -- generated from edgekit/ops/resize_bilinear.py; do not edit */
#ifndef EK_RESIZE_BILINEAR_H
#define EK_RESIZE_BILINEAR_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t in_w; /* input columns */
    int32_t in_c; /* channels */
    int32_t out_w; /* output columns */
    const int32_t *position_y; /* [output rows], in 1/1024 of an input row */
    const int32_t *position_x; /* [out_w], in 1/1024 of an input column */
} ek_resize_bilinear_params;

void ek_resize_bilinear_s8(const ek_resize_bilinear_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
