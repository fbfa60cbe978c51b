/* ek_add_neon_plane.h -- generated from edgekit/ops/add.py; do not edit */
#ifndef EK_ADD_NEON_PLANE_H
#define EK_ADD_NEON_PLANE_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t factor1; /* slope of the first input, see edgekit/families/plane.py */
    int32_t factor2; /* slope of the second input */
    int32_t offset; /* where both are 0 */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
} ek_add_neon_plane_params;

void ek_add_s8_neon_plane(const ek_add_neon_plane_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n);

#endif
