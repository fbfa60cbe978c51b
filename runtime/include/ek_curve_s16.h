/* ek_curve_s16.h -- generated from edgekit/ops/curve_s16.py; do not edit */
#ifndef EK_CURVE_S16_H
#define EK_CURVE_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    const int16_t *points; /* [513], the function at -32768, -32640, ..., 32768 */
} ek_curve_s16_params;

void ek_curve_s16(const ek_curve_s16_params *p, const int8_t *input, int8_t *output, int32_t n);

#endif
