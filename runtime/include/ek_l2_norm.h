/* ek_l2_norm.h -- generated from edgekit/ops/l2_norm.py; do not edit */
#ifndef EK_L2_NORM_H
#define EK_L2_NORM_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t rows; /* vectors */
    int32_t depth; /* elements of each */
    int32_t input_zero; /* zero point of the input */
} ek_l2_norm_params;

void ek_l2_norm_s8(const ek_l2_norm_params *p, const int8_t *input, int8_t *output);

#endif
