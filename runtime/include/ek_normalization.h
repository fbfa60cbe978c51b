/* ek_normalization.h -- generated from edgekit/ops/normalization.py; do not edit */
#ifndef EK_NORMALIZATION_H
#define EK_NORMALIZATION_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t samples; /* tensors one behind the other */
    int32_t outer; /* runs of a row */
    int32_t rows; /* rows, their runs taking turns */
    int32_t inner; /* elements of a run */
    int32_t gain_step; /* gains from a row to the next, 0 where all have the same */
    int32_t own_mean; /* 1 where the row's mean is taken off, 0 for the zero point */
    int32_t input_zero; /* zero point of the input */
    int32_t epsilon; /* what is added to W */
    int32_t epsilon_shift; /* bits by which it is shifted up first */
    int32_t fraction; /* fraction bits of normalized elements */
    int32_t exponent; /* fraction bits of bias and products with the gain */
    int32_t output_zero; /* zero point of the output */
    const int32_t *gain; /* per element of a row, or per channel */
    const int32_t *bias; /* likewise */
} ek_normalization_params;

void ek_normalization_s8(const ek_normalization_params *p, const int8_t *input, int8_t *output);

#endif
