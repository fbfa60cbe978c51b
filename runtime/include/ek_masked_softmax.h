/* ek_masked_softmax.h -- generated from edgekit/ops/masked_softmax.py; do not edit */
#ifndef EK_MASKED_SOFTMAX_H
#define EK_MASKED_SOFTMAX_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t rows; /* independent softmaxes */
    int32_t depth; /* elements of each */
    int32_t mask_rows; /* rows of the mask, which repeats */
    const int32_t *exps; /* [256], exp(-beta * distance) in Q0.31 */
    const uint8_t *mask; /* [mask_rows][depth], 1 where kept */
} ek_masked_softmax_params;

void ek_masked_softmax_s8(const ek_masked_softmax_params *p, const int8_t *input, int8_t *output);

#endif
