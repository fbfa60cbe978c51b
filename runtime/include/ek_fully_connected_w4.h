/* ek_fully_connected_w4.h -- generated from edgekit/ops/fully_connected_w4.py; do not edit */
#ifndef EK_FULLY_CONNECTED_W4_H
#define EK_FULLY_CONNECTED_W4_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t batch; /* input vectors */
    int32_t in_c; /* elements of an input vector */
    int32_t out_c; /* elements of an output vector */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    const int8_t *weights; /* [ceil(out_c / 2)][in_c], two channels a byte */
    const int32_t *bias; /* [out_c], input zero point folded in */
    const int32_t *multiplier; /* [out_c] */
    const int8_t *shift; /* [out_c], positive is left */
} ek_fully_connected_w4_params;

void ek_fully_connected_w4_s8(const ek_fully_connected_w4_params *p, const int8_t *input, int8_t *output);

#endif
