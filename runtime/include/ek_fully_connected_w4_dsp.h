/* ek_fully_connected_w4_dsp.h -- generated from edgekit/ops/fully_connected_w4.py; do not edit */
#ifndef EK_FULLY_CONNECTED_W4_DSP_H
#define EK_FULLY_CONNECTED_W4_DSP_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t batch; /* input vectors */
    int32_t in_c; /* elements of an input vector */
    int32_t out_c; /* elements of an output vector */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    const int32_t *weights; /* [groups of four channels][taps / 4][2 pairs] */
    const int32_t *groups; /* per group: four biases, four times (multiplier, rounding, shift) */
} ek_fully_connected_w4_dsp_params;

void ek_fully_connected_w4_s8_dsp(const ek_fully_connected_w4_dsp_params *p, const int8_t *input, int8_t *output);

#endif
