/* ek_signal_stacker.h -- generated from edgekit/ops/signal_stacker.py; do not edit */
#ifndef EK_SIGNAL_STACKER_H
#define EK_SIGNAL_STACKER_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t channels; /* numbers of a frame */
    int32_t frames; /* side by side */
    int32_t left; /* of them that the first one stands for */
    int32_t step; /* frames from one stack to the next */
} ek_signal_stacker_params;

void ek_signal_stacker_s8(const ek_signal_stacker_params *p, const int8_t *input, int8_t *history, int8_t *count, int8_t *output);

#endif
