/* ek_lut.h -- generated from edgekit/ops/lut.py; do not edit */
#ifndef EK_LUT_H
#define EK_LUT_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    const int8_t *table; /* [256], by the byte of the input */
} ek_lut_params;

void ek_lut_s8(const ek_lut_params *p, const int8_t *input, int8_t *output, int32_t n);

#endif
