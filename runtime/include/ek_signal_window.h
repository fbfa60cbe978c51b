/* ek_signal_window.h -- generated from edgekit/ops/signal_window.py; do not edit */
#ifndef EK_SIGNAL_WINDOW_H
#define EK_SIGNAL_WINDOW_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t size; /* samples of a frame */
    int32_t shift; /* of the products, to the right */
    const int16_t *weights; /* [size] */
} ek_signal_window_params;

void ek_signal_window_s8(const ek_signal_window_params *p, const int8_t *input, int8_t *output, int32_t n);

#endif
