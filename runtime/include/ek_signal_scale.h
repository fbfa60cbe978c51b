/* ek_signal_scale.h -- generated from edgekit/ops/signal_scale.py; do not edit */
#ifndef EK_SIGNAL_SCALE_H
#define EK_SIGNAL_SCALE_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t count; /* samples */
} ek_signal_scale_params;

void ek_signal_scale_s8(const ek_signal_scale_params *p, const int8_t *input, const int8_t *bits, int8_t *output);

#endif
