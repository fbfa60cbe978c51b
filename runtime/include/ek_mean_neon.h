/* ek_mean_neon.h -- generated from edgekit/ops/mean.py; do not edit */
#ifndef EK_MEAN_NEON_H
#define EK_MEAN_NEON_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t channels; /* channels, the last axis */
    int32_t count; /* elements of each */
    int32_t offset; /* count times the zero point of the input */
    int32_t multiplier; /* of the sum */
    int32_t shift; /* of the sum, negative is right */
    int32_t output_zero; /* zero point of the output */
} ek_mean_neon_params;

void ek_mean_s8_neon(const ek_mean_neon_params *p, const int8_t *input, int8_t *output);

#endif
