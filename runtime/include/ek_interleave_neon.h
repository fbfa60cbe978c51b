/* ek_interleave_neon.h -- generated from edgekit/ops/interleave.py; do not edit */
#ifndef EK_INTERLEAVE_NEON_H
#define EK_INTERLEAVE_NEON_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t planes; /* planes of the input, channels of the output */
    int32_t height; /* rows of a plane */
    int32_t width; /* elements of a row */
} ek_interleave_neon_params;

void ek_interleave_s8_neon(const ek_interleave_neon_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
