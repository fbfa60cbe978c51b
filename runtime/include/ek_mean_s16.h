/* ek_mean_s16.h -- generated from edgekit/ops/mean_s16.py; do not edit */
#ifndef EK_MEAN_S16_H
#define EK_MEAN_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t keep[5]; /* indices per axis that stay */
    int32_t keep_step[5]; /* elements along them */
    int32_t over[5]; /* indices per axis that are reduced */
    int32_t over_step[5]; /* elements along them */
    int32_t multiplier; /* of the sum */
    int32_t shift; /* of the sum, positive is left */
} ek_mean_s16_params;

void ek_mean_s16(const ek_mean_s16_params *p, const int8_t *input, int8_t *output);

#endif
