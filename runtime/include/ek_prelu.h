/* ek_prelu.h -- generated from edgekit/ops/prelu.py; do not edit */
#ifndef EK_PRELU_H
#define EK_PRELU_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t input_zero; /* zero point of the input */
    int32_t alpha_zero; /* zero point of the slopes */
    int32_t multiplier1; /* rescaling of inputs from zero up */
    int32_t shift1; /* and its shift, positive is left */
    int32_t multiplier2; /* rescaling of input times slope */
    int32_t shift2; /* and its shift, positive is left */
    int32_t output_zero; /* zero point of the output */
    int32_t shape[4]; /* sizes of the walk over the output */
    int32_t stride1[4]; /* steps of the input, 0 repeats */
    int32_t stride2[4]; /* steps of the slopes, 0 repeats */
} ek_prelu_params;

void ek_prelu_s8(const ek_prelu_params *p, const int8_t *input, const int8_t *alpha, int8_t *output);

#endif
