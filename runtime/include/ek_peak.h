/* ek_peak.h -- generated from edgekit/ops/peak.py; do not edit */
#ifndef EK_PEAK_H
#define EK_PEAK_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t samples; /* elements of the input */
    int32_t rows; /* elements of the output */
} ek_peak_params;

void ek_peak_s8(const ek_peak_params *p, const int8_t *input, int8_t *output);

#endif
