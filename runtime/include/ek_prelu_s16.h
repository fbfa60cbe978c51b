/* ek_prelu_s16.h -- generated from edgekit/ops/prelu_s16.py; do not edit */
#ifndef EK_PRELU_S16_H
#define EK_PRELU_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    int32_t shape[4]; /* sizes of the walk over the output */
    int32_t stride1[4]; /* steps of the first input, 0 repeats */
    int32_t stride2[4]; /* steps of the second input, 0 repeats */
    int32_t multiplier1; /* rescaling of inputs from zero up */
    int32_t shift1; /* and its shift, positive is left */
    int32_t multiplier2; /* rescaling of input times slope */
    int32_t shift2; /* and its shift, positive is left */
} ek_prelu_s16_params;

void ek_prelu_s16(const ek_prelu_s16_params *p, const int8_t *input, const int8_t *alpha, int8_t *output);

#endif
