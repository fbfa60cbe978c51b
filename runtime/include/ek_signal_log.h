/* ek_signal_log.h -- generated from edgekit/ops/signal_log.py; do not edit */
#ifndef EK_SIGNAL_LOG_H
#define EK_SIGNAL_LOG_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t count; /* bands */
    int32_t scale; /* of the logarithm */
    int32_t correction; /* of the input, to the left */
    const int16_t *table; /* [130], what log2(1 + i / 128) is above i / 128, Q16 */
} ek_signal_log_params;

void ek_signal_log_s8(const ek_signal_log_params *p, const int8_t *input, int8_t *output);

#endif
