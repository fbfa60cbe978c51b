/* ek_add_mve.h -- generated from edgekit/ops/add.py; do not edit */
#ifndef EK_ADD_MVE_H
#define EK_ADD_MVE_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t factor1; /* first input: 2^21, or 2^22 in place of a shift of 0 */
    int32_t offset1; /* -factor1 times its zero point */
    int32_t multiplier1; /* its rescaling */
    int32_t right1; /* and right shift, at least 1 */
    int32_t factor2; /* second input: likewise */
    int32_t offset2; /* -factor2 times its zero point */
    int32_t multiplier2; /* its rescaling */
    int32_t right2; /* and right shift, at least 1 */
    int32_t sign2; /* 1 to add the second input, -1 to subtract it */
    int32_t multiplier; /* rescaling of the sum */
    int32_t right; /* and its right shift, at least 1 */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
} ek_add_mve_params;

void ek_add_s8_mve(const ek_add_mve_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n);

#endif
