/* ek_signal_square_root.h -- generated from edgekit/ops/signal_square_root.py; do not edit */
#ifndef EK_SIGNAL_SQUARE_ROOT_H
#define EK_SIGNAL_SQUARE_ROOT_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t count; /* bands */
} ek_signal_square_root_params;

void ek_signal_square_root_s8(const ek_signal_square_root_params *p, const int8_t *input, const int8_t *bits, int8_t *output);

#endif
