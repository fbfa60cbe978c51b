/* ek_signal_filter_bank.h -- generated from edgekit/ops/signal_filter_bank.py; do not edit */
#ifndef EK_SIGNAL_FILTER_BANK_H
#define EK_SIGNAL_FILTER_BANK_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t channels; /* outputs */
    const int16_t *weights; /* of all bands */
    const int16_t *unweights; /* of all bands, for the next one */
    const int16_t *start; /* [channels + 1], the first bin of each */
    const int16_t *first; /* [channels + 1], its first weight */
    const int16_t *width; /* [channels + 1], and how many it has */
} ek_signal_filter_bank_params;

void ek_signal_filter_bank_s8(const ek_signal_filter_bank_params *p, const int8_t *input, int8_t *output);

#endif
