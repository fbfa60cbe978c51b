/* ek_standardise.h -- generated from edgekit/ops/standardise.py; do not edit */
#ifndef EK_STANDARDISE_H
#define EK_STANDARDISE_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t channels; /* numbers of a row */
    int32_t output_zero; /* zero point of the output */
    const int32_t *mean; /* [channels], in 1/256 of a step */
    const int32_t *multiplier; /* [channels] */
    const int8_t *shift; /* [channels], positive is left */
} ek_standardise_params;

void ek_standardise_s8(const ek_standardise_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
