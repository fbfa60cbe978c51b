/* ek_quotient.h -- generated from edgekit/ops/quotient.py; do not edit */
#ifndef EK_QUOTIENT_H
#define EK_QUOTIENT_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t zero1; /* zero point of the numerator */
    int32_t multiplier; /* rescaling of the quotient */
    int32_t shift; /* and its shift, positive is left */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    const int32_t *inverse; /* [256], reciprocal in Q0.31, by the byte of the divisor */
    const int8_t *bits; /* [256], and its right shift */
} ek_quotient_params;

void ek_quotient_s8(const ek_quotient_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n);

#endif
