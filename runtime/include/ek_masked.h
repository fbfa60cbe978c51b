/* ek_masked.h -- generated from edgekit/ops/masked.py; do not edit */
#ifndef EK_MASKED_H
#define EK_MASKED_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int8_t lowest; /* where the mask does not hold */
} ek_masked_params;

void ek_masked_s8(const ek_masked_params *p, const int8_t *input, const int8_t *mask, int8_t *output, int32_t n);

#endif
