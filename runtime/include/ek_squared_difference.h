/* ek_squared_difference.h -- generated from edgekit/ops/squared_difference.py; do not edit */
#ifndef EK_SQUARED_DIFFERENCE_H
#define EK_SQUARED_DIFFERENCE_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t zero1; /* zero point of the first input */
    int32_t multiplier1; /* rescaling of the first input */
    int32_t shift1; /* and its shift, positive is left */
    int32_t zero2; /* zero point of the second input */
    int32_t multiplier2; /* rescaling of the second input */
    int32_t shift2; /* and its shift, positive is left */
    int32_t multiplier; /* rescaling of the square */
    int32_t shift; /* and its shift, positive is left */
    int32_t output_zero; /* zero point of the output */
} ek_squared_difference_params;

void ek_squared_difference_s8(const ek_squared_difference_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n);

#endif
