/* ek_mul_s16.h -- generated from edgekit/ops/mul_s16.py; do not edit */
#ifndef EK_MUL_S16_H
#define EK_MUL_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    int32_t shape[4]; /* sizes of the walk over the output */
    int32_t stride1[4]; /* steps of the first input, 0 repeats */
    int32_t stride2[4]; /* steps of the second input, 0 repeats */
    int32_t multiplier; /* rescaling of the product */
    int32_t shift; /* and its shift, positive is left */
} ek_mul_s16_params;

void ek_mul_s16(const ek_mul_s16_params *p, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
