/* ek_add_dsp.h -- generated from edgekit/ops/add.py; do not edit */
#ifndef EK_ADD_DSP_H
#define EK_ADD_DSP_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t swapped; /* 1 where the second input is the one of the larger scale */
    int32_t exact_offset; /* its zero point times -2^20 */
    int32_t factor; /* the other input: 2^21, or 2^22 in place of a shift of 0 */
    int32_t offset; /* -factor times its zero point */
    int32_t multiplier1; /* its rescaling */
    int32_t rounding1; /* half of the last bit of that */
    int32_t right1; /* and its right shift, at least 1 */
    int32_t multiplier; /* rescaling of the sum */
    int32_t rounding; /* half of the last bit of that, and the output's zero point */
    int32_t right; /* and its right shift, at least 1 */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
} ek_add_dsp_params;

void ek_add_s8_dsp(const ek_add_dsp_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n);

#endif
