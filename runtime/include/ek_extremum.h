/* ek_extremum.h -- generated from edgekit/ops/extremum.py; do not edit */
#ifndef EK_EXTREMUM_H
#define EK_EXTREMUM_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t sign; /* 1 for the larger, -1 for the smaller */
} ek_extremum_params;

void ek_extremum_s8(const ek_extremum_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n);

#endif
