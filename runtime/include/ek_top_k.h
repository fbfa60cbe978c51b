/* ek_top_k.h -- generated from edgekit/ops/top_k.py; do not edit */
#ifndef EK_TOP_K_H
#define EK_TOP_K_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int8_t source; /* type of the input: 0 int8, 1 uint8, 2 int16, 3 int32, 4 bool, 5 uint16, 6 uint32 */
    int32_t sign; /* 1 for the largest, -1 for the smallest */
    int32_t k; /* indices wanted */
    int32_t outer; /* indices before the axis */
    int32_t axis; /* indices along it */
    int32_t inner; /* indices behind it */
} ek_top_k_params;

void ek_top_k_s8(const ek_top_k_params *p, const int8_t *input, int8_t *output);

#endif
