/* ek_mean.h -- generated from edgekit/ops/mean.py; do not edit */
#ifndef EK_MEAN_H
#define EK_MEAN_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t keep[5]; /* indices per axis that stay */
    int32_t keep_step[5]; /* elements along them */
    int32_t over[5]; /* indices per axis that are reduced */
    int32_t over_step[5]; /* elements along them */
    int32_t offset; /* count times the zero point of the input */
    int32_t multiplier; /* of the sum */
    int32_t shift; /* of the sum, positive is left */
    int32_t output_zero; /* zero point of the output */
} ek_mean_params;

void ek_mean_s8(const ek_mean_params *p, const int8_t *input, int8_t *output);

#endif
