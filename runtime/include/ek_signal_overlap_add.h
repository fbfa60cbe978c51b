/* ek_signal_overlap_add.h -- generated from edgekit/ops/signal_overlap_add.py; do not edit */
#ifndef EK_SIGNAL_OVERLAP_ADD_H
#define EK_SIGNAL_OVERLAP_ADD_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t outer; /* signals */
    int32_t frames; /* of each signal */
    int32_t size; /* samples of a frame */
    int32_t step; /* samples from one frame to the next */
} ek_signal_overlap_add_params;

void ek_signal_overlap_add_s8(const ek_signal_overlap_add_params *p, const int8_t *input, int8_t *kept, int8_t *output);

#endif
