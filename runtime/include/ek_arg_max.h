/* ek_arg_max.h -- generated from edgekit/ops/arg_max.py; do not edit */
#ifndef EK_ARG_MAX_H
#define EK_ARG_MAX_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t outer; /* indices before the axis */
    int32_t axis; /* indices along it */
    int32_t inner; /* indices behind it */
    int32_t sign; /* 1 for the largest, -1 for the smallest */
    int32_t last; /* 1 for the last of several, 0 for the first */
} ek_arg_max_params;

void ek_arg_max_s8(const ek_arg_max_params *p, const int8_t *input, int8_t *output);

#endif
