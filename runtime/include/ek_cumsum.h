/* ek_cumsum.h -- generated from edgekit/ops/cumsum.py; do not edit */
#ifndef EK_CUMSUM_H
#define EK_CUMSUM_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t start; /* total before the first element */
    int32_t input_zero; /* zero point of the inputs */
    int32_t multiplier; /* of 2^19 times the total */
    int32_t right; /* and its right shift */
    int32_t output_zero; /* zero point of the output */
    int32_t outer; /* indices before the axis */
    int32_t axis; /* indices along it */
    int32_t inner; /* indices behind it */
    int32_t exclusive; /* 1 where an element's own value is left out */
    int32_t reverse; /* 1 to run from the end */
} ek_cumsum_params;

void ek_cumsum_s8(const ek_cumsum_params *p, const int8_t *input, int8_t *output);

#endif
