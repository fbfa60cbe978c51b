/* ek_signal_scale_bits.h -- generated from edgekit/ops/signal_scale_bits.py; do not edit */
#ifndef EK_SIGNAL_SCALE_BITS_H
#define EK_SIGNAL_SCALE_BITS_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t count; /* samples */
} ek_signal_scale_bits_params;

void ek_signal_scale_bits_s8(const ek_signal_scale_bits_params *p, const int8_t *input, int8_t *output);

#endif
