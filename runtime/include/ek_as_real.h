/* ek_as_real.h -- generated from edgekit/ops/as_real.py; do not edit */
#ifndef EK_AS_REAL_H
#define EK_AS_REAL_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int8_t source; /* type of the input: 0 int8, 1 uint8, 2 int16, 3 int32, 4 bool, 5 uint16, 6 uint32 */
    int32_t low; /* lowest input that counts */
    int32_t high; /* highest input that counts */
    int32_t multiplier; /* of the input */
    int32_t shift; /* of the input, positive is left */
    int32_t output_zero; /* zero point of the output */
} ek_as_real_params;

void ek_as_real_s8(const ek_as_real_params *p, const int8_t *input, int8_t *output, int32_t n);

#endif
