/* ek_add_n.h -- generated from edgekit/ops/add_n.py; do not edit */
#ifndef EK_ADD_N_H
#define EK_ADD_N_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t start; /* total before the first element */
    int32_t input_zero; /* zero point of the inputs */
    int32_t multiplier; /* of 2^19 times the total */
    int32_t right; /* and its right shift */
    int32_t output_zero; /* zero point of the output */
    int32_t count; /* inputs */
    int32_t elements; /* of each */
} ek_add_n_params;

void ek_add_n_s8(const ek_add_n_params *p, const int8_t *const *inputs, int8_t *output);

#endif
