/* ek_signal_rfft.h -- generated from edgekit/ops/signal_rfft.py; do not edit */
#ifndef EK_SIGNAL_RFFT_H
#define EK_SIGNAL_RFFT_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t count; /* samples */
    int32_t length; /* of the transform, a power of two */
    const int16_t *places; /* [length / 2], the pair of samples at each place of the passes */
    const int16_t *twiddle; /* [length / 2][2] */
    const int16_t *turn; /* [length / 4][2], of the bins */
} ek_signal_rfft_params;

void ek_signal_rfft_s8(const ek_signal_rfft_params *p, const int8_t *input, int8_t *output);

#endif
