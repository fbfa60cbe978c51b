/* ek_add_neon.h -- generated from edgekit/ops/add.py; do not edit */
#ifndef EK_ADD_NEON_H
#define EK_ADD_NEON_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t swapped; /* 1 where the second input is the one of the larger scale */
    int32_t exact_factor; /* 2^3, negative where that input is subtracted */
    int32_t exact_offset; /* -exact_factor times its zero point */
    int32_t factor; /* the other input: 2^4, or 2^5 in place of a shift of 0 */
    int32_t offset; /* -factor times its zero point */
    int32_t multiplier1; /* its rescaling */
    int32_t shift1; /* and its shift, negative */
    int32_t sign; /* 1 to add it, -1 to subtract it */
    int32_t multiplier; /* rescaling of the sum */
    int32_t shift; /* and its shift, negative */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
} ek_add_neon_params;

void ek_add_s8_neon(const ek_add_neon_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n);

#endif
