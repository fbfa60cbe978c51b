/* ek_signal_pcan.h -- generated from edgekit/ops/signal_pcan.py; do not edit */
#ifndef EK_SIGNAL_PCAN_H
#define EK_SIGNAL_PCAN_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t count; /* bands */
    int32_t shift; /* of the products, to the right */
    const int16_t *table; /* pieces of the gain */
} ek_signal_pcan_params;

void ek_signal_pcan_s8(const ek_signal_pcan_params *p, const int8_t *input, const int8_t *noise, int8_t *output);

#endif
