/* ek_mul.h -- generated from edgekit/ops/mul.py; do not edit */
#ifndef EK_MUL_H
#define EK_MUL_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t zero1; /* zero point of the first input */
    int32_t zero2; /* zero point of the second input */
    int32_t multiplier; /* rescaling of the product */
    int32_t shift; /* and its shift, positive is left */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
} ek_mul_params;

void ek_mul_s8(const ek_mul_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n);

#endif
