/* ek_fully_connected_s16.h -- generated from edgekit/ops/fully_connected_s16.py; do not edit */
#ifndef EK_FULLY_CONNECTED_S16_H
#define EK_FULLY_CONNECTED_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t batch; /* vectors */
    int32_t in_c; /* elements of each */
    int32_t out_c; /* outputs of each */
    int32_t wide; /* 1 where sums have 64 bits and multipliers 15 */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    const int8_t *weights; /* [out_c][in_c] */
    const int64_t *bias; /* [out_c] */
    const int32_t *multiplier; /* [out_c] */
    const int8_t *shift; /* [out_c], positive is left; where wide a right shift */
} ek_fully_connected_s16_params;

void ek_fully_connected_s16(const ek_fully_connected_s16_params *p, const int8_t *input, int8_t *output);

#endif
