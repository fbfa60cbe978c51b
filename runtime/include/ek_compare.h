/* ek_compare.h -- generated from edgekit/ops/compare.py; do not edit */
#ifndef EK_COMPARE_H
#define EK_COMPARE_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t zero1; /* zero point of the first input */
    int32_t multiplier1; /* rescaling of the first input */
    int32_t right1; /* and its right shift */
    int32_t zero2; /* zero point of the second input */
    int32_t multiplier2; /* rescaling of the second input */
    int32_t right2; /* and its right shift */
    int8_t truth[3]; /* result for less, equal, greater */
} ek_compare_params;

void ek_compare_s8(const ek_compare_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n);

#endif
