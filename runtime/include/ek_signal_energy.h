/* ek_signal_energy.h -- generated from edgekit/ops/signal_energy.py; do not edit */
#ifndef EK_SIGNAL_ENERGY_H
#define EK_SIGNAL_ENERGY_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t bins; /* of the output */
    int32_t begin; /* first bin that is computed */
    int32_t end; /* first bin behind it that is not */
} ek_signal_energy_params;

void ek_signal_energy_s8(const ek_signal_energy_params *p, const int8_t *input, int8_t *output);

#endif
