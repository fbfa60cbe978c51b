/* ek_signal_noise.h -- generated from edgekit/ops/signal_noise.py; do not edit */
#ifndef EK_SIGNAL_NOISE_H
#define EK_SIGNAL_NOISE_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t count; /* bands */
    int32_t smoothing; /* of even bands */
    int32_t one_minus_smoothing; /* of even bands */
    int32_t alternate_smoothing; /* of odd bands */
    int32_t alternate_one_minus_smoothing; /* of odd bands */
    int32_t min_signal_remaining; /* of the input, at least */
    int32_t clamping; /* 1 where the noise is at most the signal */
    int32_t smoothing_bits; /* fraction bits that the noise has more */
    int32_t spectral_subtraction_bits; /* fraction bits of the factors */
} ek_signal_noise_params;

void ek_signal_noise_s8(const ek_signal_noise_params *p, const int8_t *input, int8_t *noise, int8_t *output);

#endif
