/* ek_reduce_max_s16.h -- generated from edgekit/ops/reduce_max_s16.py; do not edit */
#ifndef EK_REDUCE_MAX_S16_H
#define EK_REDUCE_MAX_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t keep[5]; /* indices per axis that stay */
    int32_t keep_step[5]; /* elements along them */
    int32_t over[5]; /* indices per axis that are reduced */
    int32_t over_step[5]; /* elements along them */
    int32_t sign; /* 1 for the largest, -1 for the smallest */
} ek_reduce_max_s16_params;

void ek_reduce_max_s16(const ek_reduce_max_s16_params *p, const int8_t *input, int8_t *output);

#endif
