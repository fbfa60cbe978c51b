/* ek_extremum_s16.h -- generated from edgekit/ops/extremum_s16.py; do not edit */
#ifndef EK_EXTREMUM_S16_H
#define EK_EXTREMUM_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    int32_t shape[4]; /* sizes of the walk over the output */
    int32_t stride1[4]; /* steps of the first input, 0 repeats */
    int32_t stride2[4]; /* steps of the second input, 0 repeats */
    int32_t sign; /* 1 for the larger, -1 for the smaller */
} ek_extremum_s16_params;

void ek_extremum_s16(const ek_extremum_s16_params *p, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
