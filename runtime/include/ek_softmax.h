/* ek_softmax.h -- generated from edgekit/ops/softmax.py; do not edit */
#ifndef EK_SOFTMAX_H
#define EK_SOFTMAX_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t rows; /* independent softmaxes */
    int32_t depth; /* elements of each */
    const int32_t *exps; /* [256], exp(-beta * distance) in Q0.31 */
} ek_softmax_params;

void ek_softmax_s8(const ek_softmax_params *p, const int8_t *input, int8_t *output);

#endif
