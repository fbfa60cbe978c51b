/* ek_gate_s16.h -- generated from edgekit/ops/gate_s16.py; do not edit */
#ifndef EK_GATE_S16_H
#define EK_GATE_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t tanh; /* 1 for tanh, 0 for the logistic function */
    int32_t multiplier; /* of the input, at most 15 bits */
    int32_t right; /* and the right shift behind it */
    const int16_t *sigmoid; /* [256], 1 / (1 + exp(-i / 24)) in Q0.16 less one half */
} ek_gate_s16_params;

void ek_gate_s16(const ek_gate_s16_params *p, const int8_t *input, int8_t *output, int32_t n);

#endif
