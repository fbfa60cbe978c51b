/* ek_fully_connected_v6m.h -- generated from edgekit/ops/fully_connected.py; do not edit */
#ifndef EK_FULLY_CONNECTED_V6M_H
#define EK_FULLY_CONNECTED_V6M_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t batch; /* input vectors */
    int32_t in_c; /* elements of an input vector */
    int32_t out_c; /* elements of an output vector */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    const uint8_t *weights; /* [groups of eight channels][taps filled up to eights][8], plus 128 */
    const int32_t *scales; /* [channels]: bias, multiplier, rounding, shift */
} ek_fully_connected_v6m_params;

void ek_fully_connected_s8_v6m(const ek_fully_connected_v6m_params *p, const int8_t *input, int8_t *output);

#endif
