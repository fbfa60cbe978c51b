/* ek_fully_connected_neon_dot.h -- generated from edgekit/ops/fully_connected.py; do not edit */
#ifndef EK_FULLY_CONNECTED_NEON_DOT_H
#define EK_FULLY_CONNECTED_NEON_DOT_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t batch; /* input vectors */
    int32_t in_c; /* elements of an input vector */
    int32_t out_c; /* elements of an output vector */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    int32_t rescaling; /* how sums become outputs, see ek_neon.h */
    const int8_t *weights; /* [groups of 4 channels][16 taps at a time, then 8] */
    const int32_t *scales; /* per group: 4 biases, 4 multipliers, 4 shifts, negative is right */
} ek_fully_connected_neon_dot_params;

void ek_fully_connected_s8_neon_dot(const ek_fully_connected_neon_dot_params *p, const int8_t *input, int8_t *output);

#endif
